// The pictures that the edited one is compared with (frontend/comparer.js).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Comparer } from "../../frontend/comparer.js";
import { plainDocument } from "../../frontend/document.js";
import { createStore, initialState } from "../../frontend/state.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A server whose pictures come when they are let go, in any order. */
function slowServer() {
  const waiting = /** @type {(() => void)[]} */ ([]);
  globalThis.fetch = (_, { body }) =>
    new Promise((done) => {
      const { seed } = JSON.parse(body).document.base;
      waiting.push(() => done({ ok: true, blob: async () => seed }));
    });
  globalThis.createImageBitmap = async (seed) => ({ seed, close: () => undefined });
  return waiting;
}

test("of two pictures before that are asked for one after the other the newer one stays, whichever comes last", async () => {
  const waiting = slowServer();
  const edited = (/** @type {number} */ seed) => ({ ...plainDocument("demo", seed, 0.7), attributes: { age: 60 } });
  const store = createStore({ ...initialState, document: edited(1), picture: "ready" });
  const shown = /** @type {number[]} */ ([]);
  const screen = { remove: () => undefined, put: (_, { seed }) => shown.push(seed) };
  const comparer = new Comparer(store, screen, (error) => assert.fail(String(error)));
  const first = comparer.hold("before");
  void comparer.hold(null);
  store.dispatch({ type: "edit", document: edited(2), id: "b", gesture: null, held: false, at: 0 });
  const second = comparer.hold("before");
  waiting[1]();
  await settled();
  waiting[0]();
  await Promise.all([first, second]);
  assert.deepEqual(shown, [2]);
});
