// Walks in the page: the time line, where a held card goes, and playing without a flood of requests.

import assert from "node:assert/strict";
import test from "node:test";
import { plainDocument } from "../../frontend/document.js";
import { Player } from "../../frontend/player.js";
import {
  EMPTY_TIMELINE,
  MOST_KEYS,
  fits,
  keyTimes,
  length,
  placeUnder,
  reduceTimeline,
  walkOf,
} from "../../frontend/timeline.js";

const face = (seed, model = "demo") => plainDocument(model, seed, 0.7);
const after = (timeline, ...actions) => actions.reduce(reduceTimeline, timeline);
const seeds = ({ keys }) => keys.map(({ document }) => document.base.seed);
const three = after(EMPTY_TIMELINE, ...[1, 2, 3].map((seed) => ({ type: "add", document: face(seed) })));

test("faces join at the end, move, and leave", () => {
  assert.deepEqual(seeds(three), [1, 2, 3]);
  const [first, second, third] = three.keys.map(({ id }) => id);
  assert.deepEqual(seeds(after(three, { type: "move", id: third, to: 0 })), [3, 1, 2]);
  assert.deepEqual(seeds(after(three, { type: "move", id: first, to: 9 })), [2, 3, 1]);
  const left = after(three, { type: "remove", id: second });
  assert.deepEqual(seeds(left), [1, 3]);
  assert.equal(new Set(after(left, { type: "add", document: face(4) }).keys.map(({ id }) => id)).size, 3);
});

test("the same face may come twice, a face of another model or one too many may not", () => {
  assert.ok(fits(three, face(1)));
  assert.ok(!fits(three, face(1, "other")));
  assert.equal(after(three, { type: "add", document: face(1, "other") }), three);
  let full = EMPTY_TIMELINE;
  for (let seed = 0; seed <= MOST_KEYS; seed += 1) full = after(full, { type: "add", document: face(seed) });
  assert.equal(full.keys.length, MOST_KEYS);
});

test("the last section counts only where the walk is closed", () => {
  const timed = after(three, { type: "seconds", id: three.keys[0].id, seconds: 0.5 });
  assert.deepEqual(keyTimes(timed), [0, 0.5, 2.5]);
  assert.equal(length(timed), 2.5);
  assert.equal(length(after(timed, { type: "set", change: { closed: true } })), 4.5);
  assert.equal(length(after(EMPTY_TIMELINE, { type: "add", document: face(1) })), 0);
});

test("what the server keeps comes back as it was", () => {
  const walk = walkOf(after(three, { type: "set", change: { easing: "gentle" } }));
  assert.deepEqual(Object.keys(walk.keys[0]).sort(), ["document", "seconds"]);
  assert.deepEqual(walkOf(reduceTimeline(EMPTY_TIMELINE, { type: "read", walk })), walk);
});

test("a card goes before the first one that the hand has not passed, row by row", () => {
  const card = (column, row) => ({
    left: 100 * column,
    right: 100 * column + 90,
    top: 100 * row,
    bottom: 100 * row + 90,
  });
  const cards = [card(0, 0), card(1, 0), card(2, 0), card(0, 1), card(1, 1)];
  assert.equal(placeUnder({ x: 10, y: 40 }, cards, 4), 0);
  assert.equal(placeUnder({ x: 160, y: 40 }, cards, 0), 1);
  assert.equal(placeUnder({ x: 280, y: 40 }, cards, 0), 2);
  assert.equal(placeUnder({ x: 10, y: 140 }, cards, 1), 2);
  assert.equal(placeUnder({ x: 500, y: 500 }, cards, 0), 4);
});

/** A player whose clock and pictures are moved by hand. */
function stage(span = { length: 10, loop: false }) {
  const heard = { asked: [], told: [], pending: [], frame: null, now: 0, span };
  const player = new Player({
    span: () => heard.span,
    draw: (at) =>
      new Promise((done, fail) => {
        heard.asked.push(Math.round(at * 1000) / 1000);
        heard.pending.push({ done, fail });
      }),
    onNextFrame: (callback) => (heard.frame = callback),
    now: () => heard.now,
    tell: (news) => heard.told.push(news),
  });
  const pass = async (ms) => {
    heard.now += ms;
    heard.frame?.();
    await new Promise((done) => setTimeout(done, 0));
  };
  const arrive = async (how = "done") => {
    heard.pending.shift()[how](new Error("no picture"));
    await new Promise((done) => setTimeout(done, 0));
  };
  return { player, heard, pass, arrive };
}

test("while a picture is on its way no other is asked for; the next one is that of the moment", async () => {
  const { player, heard, pass, arrive } = stage();
  player.play();
  for (let i = 0; i < 10; i += 1) await pass(100);
  assert.deepEqual(heard.asked, [0]);
  await arrive();
  await pass(100);
  assert.deepEqual(heard.asked, [0, 1.1]);
});

test("however quickly pictures come, there are no more than 24 a second", async () => {
  const { player, heard, pass, arrive } = stage();
  player.play();
  for (let i = 0; i < 1000; i += 1) {
    if (heard.pending.length) await arrive();
    await pass(2);
  }
  assert.ok(heard.asked.length > 40 && heard.asked.length <= 49, `${heard.asked.length} in two seconds`);
});

test("a walk ends at its last face; played again it begins anew; a loop goes round", async () => {
  const { player, heard, pass, arrive } = stage({ length: 1, loop: false });
  player.play();
  await arrive();
  await pass(5000);
  assert.deepEqual([heard.asked.at(-1), heard.told.at(-1).playing], [1, false]);
  await arrive();
  heard.span = { length: 1, loop: true };
  player.play();
  await arrive();
  await pass(1250);
  assert.deepEqual([heard.asked.at(-1), heard.told.at(-1).playing], [0.25, true]);
});

test("a hand on the time line gets the place that it is at last", async () => {
  const { player, heard, arrive } = stage();
  for (const at of [0.1, 0.2, 0.3]) player.seek(at);
  assert.deepEqual(heard.asked, [0.1]);
  await arrive();
  assert.deepEqual(heard.asked, [0.1, 0.3]);
});

test("a walk that is sought in while it plays goes on from there, once", async () => {
  const { player, heard, pass, arrive } = stage();
  player.play();
  await arrive();
  player.pause();
  player.play();
  player.seek(5);
  await arrive();
  await arrive();
  const before = heard.asked.length;
  await pass(500);
  assert.equal(heard.asked.at(-1), 5.5);
  assert.equal(heard.asked.length, before + 1);
});

test("a picture that fails stops the walk and says why, until the next one comes", async () => {
  const { player, heard, arrive } = stage();
  player.play();
  await arrive("fail");
  assert.deepEqual([heard.told.at(-1).playing, heard.told.at(-1).problem], [false, "no picture"]);
  player.seek(2);
  await arrive();
  assert.equal(heard.told.at(-1).problem, "");
});
