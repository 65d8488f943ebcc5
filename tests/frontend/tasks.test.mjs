// frontend/tasks.js: following a task.

import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, isUnderWay } from "../../frontend/tasks.js";

/** @param {string[]} states @param {number} [patience] how much news is wanted */
async function told(states, patience = Infinity) {
  const heard = [];
  const looks = states.slice(1).map((state) => ({ id: "t", state }));
  await follow(
    { id: "t", state: states[0] },
    {
      look: async () => looks.shift(),
      wait: async () => {},
      tell: (task) => heard.push(task.state) < patience,
    },
  );
  return heard;
}

test("a task is looked at until it is over", async () => {
  assert.deepEqual(await told(["queued", "running", "running", "succeeded", "never asked"]), [
    "queued",
    "running",
    "running",
    "succeeded",
  ]);
});

test("nobody looks any more when nobody wants to know", async () => {
  assert.deepEqual(await told(["queued", "running", "running"], 2), ["queued", "running"]);
});

test("a task that failed or was cancelled is over", () => {
  assert.deepEqual(
    ["queued", "running", "succeeded", "failed", "cancelled"].map((state) => isUnderWay({ state })),
    [true, true, false, false, false],
  );
  assert.equal(isUnderWay(null), false);
});
