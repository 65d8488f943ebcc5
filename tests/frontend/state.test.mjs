// frontend/state.js: the reducer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDocument } from "../../frontend/document.js";
import {
  jobOfBase,
  loadingModel,
  modelOf,
  modelProblem,
  originalsOf,
  readingOf,
  runningJob,
  shownOriginals,
  usableModels,
} from "../../frontend/selectors.js";
import { canUndo } from "../../frontend/history.js";
import { createStore, initialState, reduce } from "../../frontend/state.js";

const DOCUMENT = plainDocument("demo", 3, 0.7);
const JOB = {
  id: "j",
  session: "s",
  kind: "projection",
  state: "running",
  step: 0,
  total: 100,
  loss: null,
  latent: null,
  photo: "p",
  face: 0,
};
const PHOTO = { id: "p", name: "a.jpg", faces: [{}, {}] };

/** @param {number} age */
const aged = (age) => ({ ...DOCUMENT, attributes: { age } });

/** @param {any[]} actions */
const after = (...actions) =>
  actions.reduce(reduce, reduce(initialState, { type: "session", id: "s", node: "first", document: DOCUMENT, jobs: [] }));

/** @param {number} age */
const edit = (age) => ({ type: "edit", document: aged(age), id: `${age}`, gesture: "age", held: true, at: 0 });

test("a connection that comes back does not replace the document being edited", () => {
  const state = after(edit(20), { type: "session", id: "s", node: "first", document: DOCUMENT, jobs: [] });
  assert.deepEqual(state.document, aged(20));
});

test("another session starts without the jobs and photos of the one before", () => {
  const state = after(
    { type: "photo-added", photo: PHOTO },
    { type: "job", job: JOB },
    { type: "session", id: "t", node: "first", document: DOCUMENT, photos: [], jobs: [] },
  );
  assert.deepEqual([state.jobs, state.photos, state.photo, state.awaiting], [[], [], null, null]);
});

test("a photo sent while the session was being asked for stays", () => {
  const state = after(
    { type: "photo-added", photo: PHOTO },
    { type: "session", id: "s", node: "first", document: DOCUMENT, photos: [{ ...PHOTO, id: "q" }], jobs: [] },
  );
  assert.deepEqual(
    state.photos.map(({ id }) => id),
    ["q", "p"],
  );
  assert.equal(state.photo, "p");
});

test("values of a face are shown until those of the next one arrive, but count only for their own", () => {
  const estimated = { age: 30 };
  const values = { state: "ready", estimated, light: null };
  const state = after({ type: "reading", document: DOCUMENT, values });
  assert.deepEqual(originalsOf(state), estimated);
  const next = reduce(state, {
    type: "edit",
    id: "next",
    document: plainDocument("demo", 4, 0.7),
    gesture: null,
    held: false,
    at: 0,
  });
  assert.equal(originalsOf(next), null);
  assert.deepEqual(shownOriginals(next), estimated);
});

test("what a person says of the face stands in for what was estimated", () => {
  const values = { state: "ready", estimated: { age: 30, yaw: 1 }, light: null };
  const state = after({ type: "reading", document: DOCUMENT, values });
  const document = { ...DOCUMENT, base_attributes: { age: 24 } };
  const corrected = reduce(state, { type: "edit", document, id: "corrected", gesture: null, held: false, at: 0 });
  assert.deepEqual(originalsOf(corrected), { age: 24, yaw: 1 });
});

test("a face whose values are still being estimated has none", () => {
  const values = { state: "estimating", estimated: {}, light: null };
  assert.equal(originalsOf(after({ type: "reading", document: DOCUMENT, values })), null);
});

test("a reading is of the picture before until that of the newest edit arrives", () => {
  const values = { state: "ready", estimated: { age: 30 }, light: null };
  const state = after({ type: "reading", document: DOCUMENT, values });
  assert.equal(readingOf(state).current, true);
  assert.equal(readingOf(reduce(state, edit(50))).current, false);
  const elsewhere = { ...state, document: plainDocument("other", 3, 0.7) };
  assert.equal(readingOf(elsewhere), null);
});

const RULES = { model: "demo", layers: { age: [4] }, bundled: { age: [4, 5] }, num_ws: 12, stored: true };

test("rules kept for a model hold on a face that nothing was done to, without a step of undo", () => {
  const state = after({ type: "rules", rules: RULES });
  assert.deepEqual(state.document.layers, { age: [4] });
  assert.equal(canUndo(state.history), false);
});

test("rules kept for a model leave an edited face alone, and one of another model", () => {
  assert.deepEqual(after(edit(50), { type: "rules", rules: RULES }).document.layers, {});
  assert.deepEqual(after({ type: "rules", rules: { ...RULES, model: "other" } }).document.layers, {});
});

test("a job that runs when the page comes back is awaited", () => {
  assert.equal(after({ type: "session", id: "s", node: "first", document: DOCUMENT, jobs: [JOB] }).awaiting, "j");
});

test("a job that was over when the page came back is not awaited", () => {
  assert.equal(
    after({ type: "session", id: "s", node: "first", document: DOCUMENT, jobs: [{ ...JOB, state: "succeeded" }] }).awaiting,
    null,
  );
});

test("late progress does not bring a finished job back to life", () => {
  const state = after(
    { type: "job", job: { ...JOB, state: "cancelled", step: 40 } },
    { type: "job", job: { ...JOB, step: 38 } },
  );
  assert.equal(state.jobs[0].state, "cancelled");
  assert.equal(runningJob(state), null);
});

test("the answer to a cancel does not take back the latent that the socket told of first", () => {
  const cancelled = { ...JOB, state: "cancelled", step: 40 };
  const state = after(
    { type: "job", job: JOB },
    { type: "job", job: { ...cancelled, latent: "l" } },
    { type: "job", job: cancelled },
  );
  assert.equal(state.jobs[0].latent, "l");
});

test("the canvas returns to the document when the awaited job ends, and at any edit", () => {
  const watching = after({ type: "job", job: JOB }, { type: "view", view: "projection" });
  assert.equal(reduce(watching, edit(20)).view, "document");
  assert.equal(reduce(watching, { type: "job", job: { ...JOB, state: "failed" } }).view, "document");
  assert.equal(reduce(watching, { type: "job", job: { ...JOB, step: 3 } }).view, "projection");
});

test("the job of a found face is known by its latent", () => {
  const found = {
    ...DOCUMENT,
    base: { kind: "latent", latent: "l", truncation_psi: 1, truncation_cutoff: null },
  };
  const state = after(
    { type: "job", job: { ...JOB, state: "succeeded", latent: "l" } },
    { type: "edit", document: found, id: "found", gesture: null, held: false, at: 0 },
  );
  assert.equal(jobOfBase(state)?.id, "j");
});

test("the same message twice is shown once, with a count", () => {
  const toast = { type: "toast", tone: "error", title: "No face was found", detail: "d", hint: "h" };
  const { toasts } = after(toast, toast, { ...toast, detail: "another" });
  assert.deepEqual(
    toasts.map(({ times }) => times),
    [2, 1],
  );
});

test("a dismissed message goes, the others stay", () => {
  const toast = (title) => ({ type: "toast", tone: "error", title, detail: "", hint: "" });
  const state = after(toast("a"), toast("b"));
  assert.deepEqual(
    reduce(state, { type: "toast-dismissed", id: state.toasts[0].id }).toasts.map(({ title }) => title),
    ["b"],
  );
});

test("listeners hear of changes only", () => {
  const store = createStore();
  let heard = 0;
  const stop = store.subscribe(() => (heard += 1));
  store.dispatch({ type: "undo" });
  store.dispatch({ type: "keep-attributes", keep: true });
  stop();
  store.dispatch({ type: "keep-attributes", keep: false });
  assert.equal(heard, 1);
});

const READY = { state: "ready", name: "demo", title: "Demo", loaded: false };
const REFUSED = { state: "refused", name: "demo", source: "demo.pkl", reason: "It is damaged." };

/** @param {any[]} models */
const listing = (...models) => ({ type: "loaded", about: {}, models });

test("only a model that can be used is the document's model", () => {
  assert.equal(modelOf(after(listing(READY))), READY);
  assert.equal(modelOf(after(listing(REFUSED))), null);
  assert.deepEqual(usableModels(after(listing(REFUSED, READY))), [READY]);
});

test("why there is no model is said as far as it is known", () => {
  assert.equal(modelProblem(after()), "");
  assert.equal(modelProblem(after(listing(READY))), "");
  assert.equal(modelProblem(after(listing(REFUSED))), "demo.pkl cannot be used: It is damaged.");
  assert.equal(
    modelProblem(after(listing({ ...REFUSED, state: "preparing" }))),
    "demo.pkl is being prepared.",
  );
  assert.equal(modelProblem(after(listing())), "The model demo is not here any more.");
});

test("a picture waits for its model only while that is not loaded", () => {
  const busy = { type: "picture", picture: "busy" };
  assert.equal(loadingModel(after(listing(READY), busy)), READY);
  assert.equal(loadingModel(after(listing({ ...READY, loaded: true }), busy)), null);
  assert.equal(loadingModel(after(listing(READY), { type: "picture", picture: "ready" })), null);
});
