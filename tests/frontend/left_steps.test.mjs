// Steps left in the browser by a page that was closed without a connection (frontend/left_steps.js).

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDocument } from "../../frontend/document.js";
import { leaveBehind, leftAs, takeLeft } from "../../frontend/left_steps.js";

/** As localStorage: its keys are properties of it. @param {Record<string, string>} kept */
const storage = (kept = {}) =>
  Object.create(
    {
      getItem(name) {
        return this[name] ?? null;
      },
      setItem(name, value) {
        this[name] = value;
      },
      removeItem(name) {
        delete this[name];
      },
    },
    Object.getOwnPropertyDescriptors(kept),
  );

const LEFT = {
  session: "s",
  nodes: [{ id: "b", parent: "a", name: "", document: plainDocument("demo", 3, 0.7) }],
  current: "b",
};

test("what was left for a session is taken once", () => {
  const kept = storage();
  leaveBehind(kept, leftAs("page"), LEFT);
  assert.deepEqual(takeLeft(kept, "s"), [LEFT]);
  assert.deepEqual(takeLeft(kept, "s"), []);
});

test("what cannot be read does not keep the page from what can", () => {
  const damaged = ["{", "null", "7", '{"session":"s"}', '{"session":"s","nodes":[{"id":1}],"current":"b"}'];
  const kept = storage({ ...Object.fromEntries(damaged.map((text, i) => [leftAs(`old${i}`), text])), other: "{" });
  leaveBehind(kept, leftAs("page"), LEFT);
  assert.deepEqual(takeLeft(kept, "s"), [LEFT]);
  assert.deepEqual(Object.keys(kept), ["other"]);
});

test("what was left for a session that is gone does not fill the browser's storage for ever", () => {
  const kept = storage();
  leaveBehind(kept, leftAs("page"), { ...LEFT, session: "gone" });
  assert.deepEqual(takeLeft(kept, "s"), []);
  assert.deepEqual(Object.keys(kept), []);
});

test("a storage that is full does not keep the page from closing", () => {
  const full = Object.assign(storage(), {
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  assert.doesNotThrow(() => leaveBehind(full, leftAs("page"), LEFT));
});
