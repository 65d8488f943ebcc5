// Photos and searches: their part of the reducer, the ladder, the curve, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { curveLines } from "../../frontend/curve.js";
import { plainDocument } from "../../frontend/document.js";
import { expectedSeconds, furtherRungs, gainOf, plannedSteps } from "../../frontend/ladder.js";
import { t } from "../../frontend/language.js";
import { Newest } from "../../frontend/newest.js";
import {
  figures,
  headline,
  metricName,
  milestone,
  nextStep,
  outcome,
  timeLeft,
} from "../../frontend/progress.js";
import { faceOf, jobOf, runningJob } from "../../frontend/selectors.js";
import { initialState, reduce } from "../../frontend/state.js";

/** @param {number} x where the face is */
const at = (x) => ({
  anchors: { left_eye: [x, 10], right_eye: [x + 20, 10], mouth: [x + 10, 32] },
  corners: [],
});
const PHOTO = {
  id: "p",
  name: "a.jpg",
  width: 400,
  height: 300,
  faces: [{ alignment: at(50) }, { alignment: at(250) }],
  alignment: at(50),
  by_hand: false,
};
const JOB = {
  id: "j",
  kind: "projection",
  state: "running",
  space: "w",
  photo: "p",
  model: "demo",
  alignment: at(50),
  rung: "w",
  rungs: [{ rung: "w", steps: 100, step: 0 }],
  step: 0,
  total: 100,
  loss: null,
  terms: null,
  distance: null,
  metric: "efficientnet-lite0",
  pixel_error: null,
  identity: null,
  identity_note: "No network.",
  seconds: 0,
  position: null,
  latent: null,
  error: null,
  began_at: null,
};

/** @param {any[]} actions */
const after = (...actions) =>
  actions.reduce(
    reduce,
    reduce(initialState, { type: "session", id: "s", document: plainDocument("demo", 3, 0.7), jobs: [] }),
  );
const added = { type: "photo-added", photo: PHOTO };
const said = (change) => ({ type: "job", job: { ...JOB, ...change } });
/** A step with its loss. */
const stepped = (step, loss = 1) => said({ step, loss, distance: loss / 2, terms: { distance: loss / 2 } });

test("the face of a photo is the one nearest to the anchors, by hand or not", () => {
  assert.equal(faceOf(PHOTO), 0);
  assert.equal(faceOf(PHOTO, at(230).anchors), 1);
  assert.equal(faceOf({ ...PHOTO, faces: [] }), null);
});

test("anchors move at once, and are by hand from then on", () => {
  const [photo] = after(added, { type: "anchors", photo: "p", anchors: at(60).anchors }).photos;
  assert.deepEqual(photo.alignment.anchors, at(60).anchors);
  assert.equal(photo.alignment.corners.length, 4);
  assert.equal(photo.by_hand, true);
});

test("anchors at one place, which have no square, are not taken", () => {
  const state = after(added);
  const anchors = { left_eye: [1, 1], right_eye: [1, 1], mouth: [1, 1] };
  assert.equal(reduce(state, { type: "anchors", photo: "p", anchors }), state);
});

test("the server's answer to earlier anchors does not pull them back under the hand", () => {
  const moved = after(added, { type: "anchors", photo: "p", anchors: at(70).anchors });
  const answer = { ...PHOTO, alignment: at(60), by_hand: true };
  const late = reduce(moved, { type: "aligned", photo: answer, asked: at(60).anchors });
  assert.deepEqual(late.photos[0].alignment.anchors, at(70).anchors);
  const kept = { ...PHOTO, alignment: at(70), by_hand: true };
  assert.deepEqual(reduce(late, { type: "aligned", photo: kept, asked: at(70).anchors }).photos, [kept]);
});

test("each face of a photo has its own search, and keeps it when its anchors move a little", () => {
  const state = after(added, said({}));
  assert.equal(jobOf(state)?.id, "j");
  const moved = reduce(state, { type: "anchors", photo: "p", anchors: at(62).anchors });
  assert.equal(jobOf(moved)?.id, "j");
  assert.equal(jobOf(reduce(state, { type: "anchors", photo: "p", anchors: at(250).anchors })), null);
});

test("of several searches the one of the face that is looked at is watched", () => {
  const other = { id: "k", photo: "q" };
  const state = after(added, said({}), said(other));
  assert.equal(runningJob(state)?.id, "j");
  const over = reduce(state, said({ state: "succeeded" }));
  assert.equal(runningJob(over)?.id, "k");
});

test("a paused search is not over: a page that comes back still awaits it", () => {
  const state = after({ type: "session", id: "s", document: null, jobs: [{ ...JOB, state: "paused" }] });
  assert.equal(state.awaiting, "j");
  assert.equal(state.photo, "p");
  assert.equal(runningJob(state)?.state, "paused");
});

test("the loss curve grows by step, and stays small however long the search is", () => {
  const curve = after(...Array.from({ length: 3000 }, (_, i) => stepped(i + 1, 1 / (i + 1)))).curves.j;
  assert.ok(curve.length <= 241 && curve.length > 60, String(curve.length));
  assert.deepEqual([curve[0].step, curve.at(-1)?.step], [1, 3000]);
  assert.ok(curve.every(({ step }, i) => i === 0 || step > curve[i - 1].step));
});

test("after a reload the server's curve comes first, and what came since is kept", () => {
  const point = (step) => ({ step, rung: "w", loss: 1, distance: 0.5, terms: {} });
  const history = { points: [point(1), point(5)], moments: [{ step: 5 }] };
  const state = after(stepped(4), stepped(6), { type: "history", job: "j", history });
  assert.deepEqual(
    state.curves.j.map(({ step }) => step),
    [1, 5, 6],
  );
  assert.equal(state.moments.j, history.moments);
});

test("the curve's lines run from left to right, the largest value on top", () => {
  const points = [1, 2, 4].map((step) => ({
    step,
    rung: "w",
    loss: 8 / step,
    distance: 0,
    terms: { distance: 4 / step },
  }));
  const [loss, distance] = curveLines(points, 4);
  assert.deepEqual([loss.name, distance.name], ["loss", "distance"]);
  assert.deepEqual([loss.last, distance.last], [2, 1]);
  const line = loss.line.split(" ").map((each) => each.split(",").map(Number));
  assert.deepEqual(line[0], [50, 0]);
  assert.equal(line[2][0], 200);
  assert.ok(line[0][1] < line[1][1] && line[1][1] < line[2][1]);
});

test("a term that begins with a later rung has a line from there on", () => {
  const point = (step, terms) => ({ step, rung: "w", loss: 1, distance: 1, terms });
  const lines = curveLines([point(1, {}), point(2, { pixel: 0.1 }), point(3, { pixel: 0.1 })], 3);
  assert.equal(lines[1].line.split(" ").length, 2);
});

test("one point is no curve", () => {
  assert.deepEqual(curveLines([{ step: 1, rung: "w", loss: 1, distance: 1, terms: {} }], 9), []);
});

test("the ladder's steps are those of the server's plan", () => {
  const fast = { schedule: "fast", steps: null };
  const steps = ["start", "w", "w+", "pti"].map((space) => plannedSteps({ ...fast, space }));
  assert.deepEqual(steps, [0, 250, 450, 400]);
  assert.equal(plannedSteps({ space: "w+", schedule: "published", steps: 500 }), 600);
  assert.equal(plannedSteps({ space: "w+", schedule: "fast", steps: 900 }), 1100);
});

test("how long it takes is told by the newest search in the same model, and not before there is one", () => {
  const done = { ...JOB, state: "succeeded", step: 50, seconds: 10 };
  assert.equal(expectedSeconds(100, [done, { ...done, model: "other", seconds: 99 }], "demo"), 20);
  assert.equal(expectedSeconds(100, [JOB], "demo"), null);
});

test("a result goes on to the rungs above it, and W+ and the tuning to another round", () => {
  const done = { ...JOB, state: "succeeded", latent: "l" };
  const further = ["start", "w", "w+", "pti"].map((space) => furtherRungs({ ...done, space }));
  assert.deepEqual(further, [["w"], ["w+", "pti"], ["w+", "pti"], ["pti"]]);
  assert.deepEqual(furtherRungs({ ...done, latent: null }), []);
  assert.deepEqual(furtherRungs({ ...done, state: "paused" }), []);
});

test("a model without an encoder does not promise a guess", () => {
  assert.match(gainOf("start", { encoder: true }), /guess, in one pass/);
  assert.match(gainOf("start", { encoder: false }), /mean face/);
});

test("each state of a search is told in words", () => {
  assert.equal(headline({ ...JOB, state: "queued", position: 2 }), "Waiting, number 2 in line");
  assert.equal(headline({ ...JOB, step: 12 }), "W, step 12 of 100");
  assert.equal(headline({ ...JOB, state: "paused", step: 12 }), "Paused at step 12 of 100");
  const full = { code: "storage_full", detail: "The disk is full." };
  const stopped = headline({ ...JOB, state: "paused", step: 12, error: full });
  assert.equal(stopped, "Paused at step 12 of 100: The disk is full.");
  assert.match(outcome({ ...JOB, state: "cancelled", step: 9, latent: "l" }), /step 9 of 100.*kept/);
  assert.match(outcome({ ...JOB, state: "succeeded", space: "start", began_at: "mean_face" }), /no encoder/);
});

test("a failure says its cause, what is kept, and what to do", () => {
  const failed = { ...JOB, state: "failed", error: { code: "diverged", detail: "It diverged." } };
  assert.equal(outcome({ ...failed, latent: "l" }), "It diverged. The closest face so far is kept.");
  assert.match(t(nextStep(failed)), /three points/);
  assert.match(t(nextStep({ ...failed, error: null })), /Try again/);
  const gone = { ...failed, error: { code: "unknown_model", detail: "" } };
  assert.equal(outcome(gone), "The model demo is not here any more.");
  assert.match(t(nextStep(gone)), /another model/);
});

test("what is said aloud changes with each quarter, not with each step", () => {
  const spoken = Array.from({ length: 100 }, (_, step) => milestone({ ...JOB, step }));
  assert.equal(new Set(spoken).size, 4);
  assert.equal(spoken[60], "The search is 50 percent done");
});

test("figures name their metric, and say why one is missing", () => {
  const [distance, pixels, identity] = figures({ ...JOB, distance: 0.1234, pixel_error: 0.056 });
  assert.deepEqual(distance, ["Distance", "0.123", "EfficientNet-Lite0 features, not LPIPS"]);
  assert.equal(pixels[1], "5.6 %");
  assert.deepEqual(identity, ["Identity", "–", "No network."]);
  assert.equal(metricName("lpips-vgg"), "LPIPS, VGG-16");
  assert.equal(timeLeft(75), "1 min 15 s left");
});

test("of what is asked for while one piece of work runs only the newest is done", async () => {
  const done = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  const newest = new Newest((/** @type {number} */ task) => {
    done.push(task);
    return new Promise((resolve) => void waiting.push(() => resolve(undefined)));
  });
  const all = [1, 2, 3].map((task) => newest.ask(task));
  waiting[0]();
  await new Promise(setImmediate);
  waiting[1]();
  await Promise.all(all);
  assert.deepEqual(done, [1, 3]);
});

test("work that failed does not keep the next from being done", async () => {
  const done = [];
  const newest = new Newest(async (/** @type {number} */ task) => {
    done.push(task);
    if (task === 1) throw new Error("no");
  });
  await assert.rejects(newest.ask(1));
  await newest.ask(2);
  assert.deepEqual(done, [1, 2]);
});
