// When the page says that it waits for a picture (frontend/overdue.js).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Overdue } from "../../frontend/overdue.js";

/** A clock that moves when told. */
function clock() {
  let now = 0;
  let next = 0;
  const timers = /** @type {Map<number, { at: number, callback: () => void }>} */ (new Map());
  const told = /** @type {number[]} */ ([]);
  const overdue = new Overdue(
    {
      setTimer: (callback, ms) => (timers.set(++next, { at: now + ms, callback }), next),
      clearTimer: (timer) => timers.delete(timer),
    },
    () => told.push(now),
  );
  const pass = (/** @type {number} */ ms) => {
    now += ms;
    for (const [id, { at, callback }] of [...timers]) if (at <= now && timers.delete(id)) callback();
  };
  return { overdue, pass, told };
}

test("a picture that does not come for 300 ms is overdue, whatever is sent meanwhile", () => {
  const { overdue, pass, told } = clock();
  for (let i = 0; i < 5; i++) {
    overdue.sent();
    pass(100);
  }
  assert.deepEqual(told, [300]);
});

test("while a hand drags and pictures of edits just before follow, none is overdue", () => {
  const { overdue, pass, told } = clock();
  for (let i = 0; i < 50; i++) {
    overdue.sent();
    pass(100);
    overdue.came();
  }
  assert.deepEqual(told, []);
  pass(300);
  assert.equal(told.length, 1, "and the last one may still be");
});

test("once the newest picture is there nothing is overdue", () => {
  const { overdue, pass, told } = clock();
  overdue.sent();
  overdue.over();
  overdue.came();
  pass(1000);
  assert.deepEqual(told, []);
});
