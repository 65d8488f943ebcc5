// frontend/history_graph.js: where the nodes of a history are drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { graphOf, lineOf } from "../../frontend/history_graph.js";

/** @param {[id: string, parent: string | null][]} nodes oldest first */
const tree = (...nodes) => ({
  nodes: Object.fromEntries(nodes.map(([id, parent], number) => [id, { id, parent, number }])),
});

/** Lanes from the oldest to the newest. @param {any} drawn */
const lanes = (drawn) =>
  graphOf(drawn)
    .map(({ lane }) => lane)
    .reverse();

test("steps after one another share a lane, the newest on top", () => {
  const rows = graphOf(tree(["a", null], ["b", "a"], ["c", "b"]));
  assert.deepEqual(
    rows.map(({ node, row, lane }) => [node.id, row, lane]),
    [
      ["c", 0, 0],
      ["b", 1, 0],
      ["a", 2, 0],
    ],
  );
  assert.deepEqual(rows[0].parent, { row: 1, lane: 0 });
});

test("a branch stands beside what it left, and its children below it", () => {
  assert.deepEqual(lanes(tree(["a", null], ["b", "a"], ["c", "b"], ["d", "a"], ["e", "d"])), [0, 0, 0, 1, 1]);
});

test("two branches at the same time take two lanes, and one that is over gives its lane back", () => {
  const both = tree(["a", null], ["b", "a"], ["c", "a"], ["d", "a"], ["e", "c"], ["f", "b"]);
  assert.deepEqual(lanes(both), [0, 0, 1, 2, 1, 0]);
  const after = tree(["a", null], ["b", "a"], ["c", "a"], ["d", "b"], ["e", "d"], ["f", "d"]);
  assert.deepEqual(lanes(after), [0, 0, 1, 0, 0, 1]);
});

test("no line runs through a node of another branch", () => {
  // many shapes: each node hangs on one of those before it, by a fixed sequence
  let seed = 7;
  const next = (below) => (seed = (seed * 48271) % 2147483647) % below;
  for (let shape = 0; shape < 40; shape += 1) {
    const nodes = Array.from({ length: 30 }, (_, i) => [`${i}`, i ? `${next(i)}` : null]);
    const rows = graphOf(tree(...nodes));
    for (const { row, lane, parent, node } of rows) {
      const between = rows.filter((other) => parent && other.row > row && other.row < parent.row);
      assert.ok(
        between.every((other) => other.lane !== lane),
        `the line of ${node.id} is crossed in shape ${shape}`,
      );
    }
  }
});

test("a line goes down its own lane and over to its parent at the end", () => {
  const [row] = graphOf(tree(["a", null], ["b", "a"], ["c", "a"]));
  assert.equal(lineOf(row, 10, 4), "M6 5V20C6 25 2 20 2 25");
  assert.equal(lineOf(graphOf(tree(["a", null]))[0], 10, 4), "");
});
