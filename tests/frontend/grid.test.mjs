// Grids of faces: their documents, their seeds, the way of the arrow keys, and how pictures are asked for.

import assert from "node:assert/strict";
import test from "node:test";
import { foundFace, plainDocument } from "../../frontend/document.js";
import { gridSeeds, newFace, stepInGrid, variation } from "../../frontend/grid.js";
import { Tiles } from "../../frontend/tiles.js";

const edited = () => ({
  ...plainDocument("demo", 1, 0.5),
  attributes: { age: 60 },
  base_attributes: { beard: 1 },
});

test("seeds of a grid go on the same way, each once", () => {
  const few = gridSeeds(7, 24);
  assert.deepEqual(gridSeeds(7, 240).slice(0, 24), few);
  assert.equal(new Set(gridSeeds(7, 240)).size, 240);
  assert.ok(few.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31));
  assert.notDeepEqual(gridSeeds(8, 24), few);
});

test("a new face is as far truncated as the one before, with its edits only if they are kept", () => {
  const document = edited();
  document.base.truncation_cutoff = 4;
  const plain = newFace(document, 9, { psi: 0.7, keepEdits: false });
  assert.deepEqual(plain.base, { kind: "seed", seed: 9, truncation_psi: 0.5, truncation_cutoff: 4 });
  assert.deepEqual(plain.attributes, {});
  const kept = newFace(document, 9, { psi: 0.7, keepEdits: true });
  assert.deepEqual([kept.attributes, kept.base_attributes], [{ age: 60 }, {}]);
});

test("after a photo or the average face, new faces are truncated as usual", () => {
  const how = { psi: 0.7, keepEdits: false };
  assert.equal(newFace(foundFace("demo", "a"), 9, how).base.truncation_psi, 0.7);
  assert.equal(newFace(plainDocument("demo", 0, 0), 9, how).base.truncation_psi, 0.7);
});

test("a variation is a step towards a seed in all layers; edits stay, corrections go", () => {
  const document = edited();
  const near = variation(document, 9, { step: 0.2, psi: 0.7, layers: 3 });
  assert.deepEqual(near.base, document.base);
  assert.equal(near.mix.length, 1);
  assert.deepEqual([near.mix[0].layers, near.mix[0].strength], [[0, 1, 2], 0.2]);
  assert.deepEqual(near.mix[0].source, {
    kind: "seed",
    seed: 9,
    truncation_psi: 0.5,
    truncation_cutoff: null,
  });
  assert.deepEqual([near.attributes, near.base_attributes], [{ age: 60 }, {}]);
  assert.equal(variation(near, 10, { step: 0.2, psi: 0.7, layers: 3 }).mix.length, 2);
});

test("arrow keys walk the grid and stop at its edges", () => {
  const grid = { count: 10, columns: 4 };
  const walked = [
    "ArrowRight",
    "ArrowDown",
    "ArrowDown",
    "ArrowLeft",
    "End",
    "ArrowRight",
    "Home",
    "ArrowUp",
  ];
  let at = 0;
  const places = walked.map((key) => (at = stepInGrid(key, at, grid) ?? at));
  assert.deepEqual(places, [1, 5, 9, 8, 9, 9, 0, 0]);
  assert.equal(stepInGrid("Enter", 3, grid), null);
});

/** Tiles whose pictures are given by hand. */
function drawnByHand() {
  const asked = new Map();
  const tiles = new Tiles(
    (document) => new Promise((give, fail) => asked.set(document.base.seed, { give, fail })),
    () => {},
  );
  const want = (...seeds) =>
    tiles.want(seeds.map((seed) => ({ key: `${seed}`, document: plainDocument("demo", seed, 1) })));
  const settle = () => new Promise((done) => setTimeout(done, 0));
  return { tiles, asked, want, settle };
}

test("pictures are asked for two at a time, in their order", async () => {
  const { tiles, asked, want, settle } = drawnByHand();
  want(1, 2, 3);
  assert.deepEqual([...asked.keys()], [1, 2]);
  asked.get(2).give("blob:2");
  await settle();
  assert.deepEqual([...asked.keys()], [1, 2, 3]);
  assert.deepEqual([tiles.get("1").url, tiles.get("2").url], ["", "blob:2"]);
});

test("what is not wanted any more is not asked for, and what comes of it is let go", async () => {
  const { tiles, asked, want, settle } = drawnByHand();
  want(1, 2, 3);
  want(3, 4);
  asked.get(1).give("blob:1");
  asked.get(2).give("blob:2");
  await settle();
  assert.deepEqual([...asked.keys()], [1, 2, 3, 4]);
  assert.equal(tiles.get("1").url, "");
});

test("a picture that failed says why, holds up no other, and can be asked for again", async () => {
  const { tiles, asked, want, settle } = drawnByHand();
  want(1, 2, 3);
  asked.get(1).fail(new Error("no memory"));
  await settle();
  assert.equal(tiles.get("1").problem, "no memory");
  assert.ok(asked.has(3));
  asked.get(2).give("blob:2");
  asked.get(3).give("blob:3");
  await settle();
  asked.clear();
  tiles.retry();
  assert.deepEqual([...asked.keys()], [1]);
});
