// frontend/state.js: the reducer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDocument, withMix } from "../../frontend/document.js";
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
  actions.reduce(reduce, reduce(initialState, { type: "session", id: "s", document: DOCUMENT, jobs: [] }));

/** @param {number} age @param {object} [how] */
const edit = (age, how) => ({ type: "edit", document: aged(age), gesture: "age", held: true, at: 0, ...how });

test("one drag is one step of undo, however many values it passed", () => {
  const state = after(edit(20), edit(30, { at: 5000 }), edit(40, { at: 9000 }), { type: "release" });
  assert.deepEqual(state.past, [DOCUMENT]);
  assert.deepEqual(reduce(state, { type: "undo" }).document, DOCUMENT);
});

test("two drags of the same slider are two steps", () => {
  const state = after(edit(20), { type: "release" }, edit(30), { type: "release" });
  assert.deepEqual(state.past, [DOCUMENT, aged(20)]);
});

test("key presses close together are one step, and two after a pause", () => {
  const press = (age, at) => edit(age, { held: false, at });
  assert.equal(after(press(20, 0), press(21, 300), press(22, 600)).past.length, 1);
  assert.equal(after(press(20, 0), press(21, 300), press(22, 3000)).past.length, 2);
});

test("moving another slider starts another step", () => {
  assert.equal(after(edit(20), edit(30, { gesture: "yaw" })).past.length, 2);
});

test("a button is a step of its own", () => {
  assert.equal(after(edit(20, { gesture: null }), edit(30, { gesture: null })).past.length, 2);
});

test("undo and redo go the same way back and forth", () => {
  const edited = after(edit(20, { gesture: null }), edit(30, { gesture: null }));
  const back = [{ type: "undo" }, { type: "undo" }].reduce(reduce, edited);
  assert.deepEqual(back.document, DOCUMENT);
  const forth = [{ type: "redo" }, { type: "redo" }].reduce(reduce, back);
  assert.deepEqual([forth.document, forth.past, forth.future], [edited.document, edited.past, []]);
});

test("an edit after undo forgets what was undone", () => {
  const state = after(edit(20, { gesture: null }), { type: "undo" }, edit(50, { gesture: null }));
  assert.deepEqual(state.future, []);
});

test("undo without a past and redo without a future change nothing", () => {
  const state = after();
  assert.equal(reduce(state, { type: "undo" }), state);
  assert.equal(reduce(state, { type: "redo" }), state);
});

test("setting what is already set is no step", () => {
  assert.deepEqual(after(edit(20), { type: "release" }, edit(20, { gesture: null })).past, [DOCUMENT]);
});

test("history is bounded and loses its oldest steps", () => {
  const edits = Array.from({ length: 260 }, (_, age) => edit(age, { gesture: null }));
  const { past } = after(...edits);
  assert.equal(past.length, 200);
  assert.deepEqual(past.at(-1), aged(258));
});

test("a connection that comes back does not replace the document being edited", () => {
  const state = after(edit(20), { type: "session", id: "s", document: DOCUMENT, jobs: [] });
  assert.deepEqual(state.document, aged(20));
});

test("another session starts without the jobs and photos of the one before", () => {
  const state = after(
    { type: "photo-added", photo: PHOTO },
    { type: "job", job: JOB },
    { type: "session", id: "t", document: DOCUMENT, photos: [], jobs: [] },
  );
  assert.deepEqual([state.jobs, state.photos, state.photo, state.awaiting], [[], [], null, null]);
});

test("a photo sent while the session was being asked for stays", () => {
  const state = after(
    { type: "photo-added", photo: PHOTO },
    { type: "session", id: "s", document: DOCUMENT, photos: [{ ...PHOTO, id: "q" }], jobs: [] },
  );
  assert.deepEqual(
    state.photos.map(({ id }) => id),
    ["q", "p"],
  );
  assert.equal(state.photo, "p");
});

test("the mix panel follows undo", () => {
  const mixed = withMix(
    DOCUMENT,
    { enabled: true, seed: 9, crossover: 2, strength: 1 },
    { num_ws: 12, default_psi: 0.7 },
  );
  const state = after({ type: "edit", document: mixed, gesture: null, held: false, at: 0 });
  assert.deepEqual([state.mix.enabled, state.mix.seed], [true, 9]);
  assert.equal(reduce(state, { type: "undo" }).mix.enabled, false);
});

test("the mix panel stays on at a crossover that mixes nothing in", () => {
  const mix = { enabled: true, seed: 9, crossover: 12, strength: 1 };
  assert.equal(after({ type: "mix", mix }, edit(20)).mix.enabled, true);
});

test("values of a face are shown until those of the next one arrive, but count only for their own", () => {
  const estimated = { age: 30 };
  const values = { state: "ready", estimated, light: null };
  const state = after({ type: "reading", document: DOCUMENT, values });
  assert.deepEqual(originalsOf(state), estimated);
  const next = reduce(state, {
    type: "edit",
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
  const corrected = reduce(state, { type: "edit", document, gesture: null, held: false, at: 0 });
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
  assert.deepEqual(state.past, []);
});

test("rules kept for a model leave an edited face alone, and one of another model", () => {
  assert.deepEqual(after(edit(50), { type: "rules", rules: RULES }).document.layers, {});
  assert.deepEqual(after({ type: "rules", rules: { ...RULES, model: "other" } }).document.layers, {});
});

test("a job that runs when the page comes back is awaited", () => {
  assert.equal(after({ type: "session", id: "s", document: DOCUMENT, jobs: [JOB] }).awaiting, "j");
});

test("a job that was over when the page came back is not awaited", () => {
  assert.equal(
    after({ type: "session", id: "s", document: DOCUMENT, jobs: [{ ...JOB, state: "succeeded" }] }).awaiting,
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
    { type: "edit", document: found, gesture: null, held: false, at: 0 },
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
