// Exploring: the trail of faces, the lock, and what of both outlives the page.

import assert from "node:assert/strict";
import test from "node:test";
import { foundFace, latentBase, plainDocument, seedBase } from "../../frontend/document.js";
import {
  UNEXPLORED,
  adopted,
  asSetNow,
  faceBefore,
  faceName,
  rememberExploring,
  wentOn,
} from "../../frontend/exploring.js";
import { createStore, initialState } from "../../frontend/state.js";

const seed = (number, psi = 0.7) => seedBase(number, psi);
const names = (trail) => trail.map(faceName);

test("the trail keeps each face once, where it was first seen", () => {
  let trail = wentOn([], seed(1), seed(2));
  trail = wentOn(trail, seed(2), seed(3));
  trail = wentOn(trail, seed(3), seed(1, 0.2));
  assert.deepEqual(names(trail), ["seed 1", "seed 2", "seed 3"]);
});

test("the average face is no face to come back to", () => {
  assert.deepEqual(names(wentOn([], seed(1, 0), seed(2))), ["seed 2"]);
});

test("a long trail forgets its oldest faces", () => {
  let trail = [];
  for (let number = 0; number < 100; number += 1) trail = wentOn(trail, seed(number), seed(number + 1));
  assert.equal(trail.length, 60);
  assert.equal(faceName(trail.at(-1)), "seed 100");
});

test("before a face lies the one seen before it; before one that is not on the trail the newest", () => {
  const trail = wentOn(wentOn([], seed(1), seed(2)), seed(2), latentBase("a"));
  assert.equal(faceName(faceBefore(trail, latentBase("a"))), "seed 2");
  assert.equal(faceBefore(trail, seed(1)), null);
  assert.equal(faceName(faceBefore(trail, seed(9))), "a");
  assert.equal(faceBefore([], seed(1)), null);
});

test("a seed of the trail is shown as truncation is set now, a found face as it was", () => {
  const now = { ...seed(5, 0.4), truncation_cutoff: 3 };
  assert.deepEqual(asSetNow(seed(1, 1), now), { ...seed(1, 0.4), truncation_cutoff: 3 });
  assert.deepEqual(asSetNow(latentBase("a"), now), latentBase("a"));
});

test("a held face stays when a document comes by itself, which brings its edits", () => {
  const document = { ...plainDocument("demo", 1, 0.7), base_attributes: { age: 30 } };
  const coming = {
    ...plainDocument("demo", 2, 0.5),
    attributes: { age: 60 },
    noise: { seed: 4, strength: 1 },
  };
  const state = { document, exploring: { ...UNEXPLORED, locked: true } };
  const result = adopted(state, coming);
  assert.deepEqual(result.base, document.base);
  assert.deepEqual(result.base_attributes, { age: 30 });
  assert.deepEqual([result.attributes, result.noise], [coming.attributes, coming.noise]);
});

test("without the lock, and in another model, it comes as it is", () => {
  const document = plainDocument("demo", 1, 0.7);
  const coming = foundFace("demo", "a");
  assert.equal(adopted({ document, exploring: UNEXPLORED }, coming), coming);
  const locked = { ...UNEXPLORED, locked: true };
  const other = foundFace("other", "a");
  assert.equal(adopted({ document, exploring: locked }, other), other);
});

/** A browser's storage, and a page of a session in it. */
function visit(storage, session) {
  const store = createStore({ ...initialState, session: null });
  rememberExploring(store, storage);
  store.dispatch({
    type: "session",
    id: session,
    node: "n",
    document: plainDocument("demo", 1, 0.7),
    jobs: [],
  });
  return store;
}

function memory() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

test("trail and lock come back with the session, and with no other", () => {
  const storage = memory();
  const first = visit(storage, "mine");
  const exploring = { locked: true, trail: wentOn([], seed(1), latentBase("a")) };
  first.dispatch({ type: "exploring", change: exploring });
  assert.deepEqual(visit(storage, "mine").get().exploring, exploring);
  assert.deepEqual(visit(storage, "another").get().exploring, UNEXPLORED);
});

test("what is no trail is left out", () => {
  const storage = memory();
  storage.setItem(
    "latent-loom.exploring",
    '{"session":"mine","trail":[1,{"kind":"seed"},null],"locked":"yes"}',
  );
  assert.deepEqual(visit(storage, "mine").get().exploring, UNEXPLORED);
  storage.setItem("latent-loom.exploring", "{");
  assert.deepEqual(visit(storage, "mine").get().exploring, UNEXPLORED);
});

test("a browser that keeps no more does not hold up the page", () => {
  const store = createStore();
  rememberExploring(store, {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  store.dispatch({ type: "session", id: "s", node: "n", document: plainDocument("demo", 1, 0.7), jobs: [] });
  store.dispatch({ type: "exploring", change: { locked: true } });
  assert.equal(store.get().exploring.locked, true);
});
