// frontend/steps.js and history.js: edits as steps of a tree in which nothing is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDocument } from "../../frontend/document.js";
import { canRedo, canUndo, nodesOf, pathOf } from "../../frontend/history.js";
import { allUnsent, unsent } from "../../frontend/history_unsent.js";
import { initialState, reduce } from "../../frontend/state.js";

const DOCUMENT = plainDocument("demo", 3, 0.7);

/** @param {number} age */
const aged = (age) => ({ ...DOCUMENT, attributes: { age } });

const OPENED = reduce(initialState, {
  type: "session",
  id: "s",
  node: "first",
  document: DOCUMENT,
  jobs: [],
});

/** @param {any[]} actions */
const after = (...actions) => actions.reduce(reduce, OPENED);

/** A slider that is held. @param {number} age @param {object} [how] */
const drag = (age, how) => ({
  type: "edit",
  document: aged(age),
  id: `a${age}`,
  gesture: "age",
  held: true,
  at: 0,
  ...how,
});

/** A button. @param {number} age */
const click = (age) => drag(age, { gesture: null, held: false });

const UNDO = { type: "undo" };
const REDO = { type: "redo" };
const RELEASE = { type: "release" };

/** The ages on the way to where the page stands, the newest first. @param {any} state */
const way = ({ history }) =>
  pathOf(history, history.current).map((id) => history.nodes[id].document.attributes.age);

/**
 * As the server would tell of it.
 * @param {[id: string, parent: string | null, age: number, visited: number][]} nodes
 */
const told = (nodes, current = nodes[nodes.length - 1][0]) => ({
  type: "tree",
  event: {
    type: "read",
    history: {
      nodes: nodes.map(([id, parent, age, visited], number) => ({
        id,
        parent,
        number,
        visited,
        name: "",
        document: age ? aged(age) : DOCUMENT,
        created_at: "",
      })),
      current,
      limit: 500,
    },
  },
});

/** @param {string[]} nodes @param {string[]} removed */
const kept = (nodes, removed = []) => ({ type: "tree", event: { type: "kept", nodes, removed } });

test("one drag is one step, however many values it passed", () => {
  const state = after(drag(20), drag(30, { at: 5000 }), drag(40, { at: 9000 }), RELEASE);
  assert.deepEqual(way(state), [40, undefined]);
  assert.deepEqual(reduce(state, UNDO).document, DOCUMENT);
});

test("two drags of the same slider are two steps", () => {
  assert.deepEqual(way(after(drag(20), RELEASE, drag(30), RELEASE)), [30, 20, undefined]);
});

test("key presses close together are one step, and two after a pause", () => {
  const press = (age, at) => drag(age, { held: false, at });
  assert.equal(way(after(press(20, 0), press(21, 300), press(22, 600))).length, 2);
  assert.equal(way(after(press(20, 0), press(21, 300), press(22, 3000))).length, 3);
});

test("moving another slider starts another step, and a button is one of its own", () => {
  assert.equal(way(after(drag(20), drag(30, { gesture: "yaw" }))).length, 3);
  assert.equal(way(after(click(20), click(30))).length, 3);
});

test("a drag that ends where it began was no step", () => {
  const back = drag(20, { document: DOCUMENT });
  assert.deepEqual(after(drag(20), back, RELEASE).history.current, "first");
  assert.equal(nodesOf(after(drag(20), back, RELEASE).history).length, 1);
});

test("setting what is already set is no step", () => {
  assert.deepEqual(way(after(drag(20), RELEASE, { ...click(20), id: "again" })), [20, undefined]);
});

test("undo and redo go the same way back and forth", () => {
  const edited = after(click(20), click(30));
  const back = [UNDO, UNDO].reduce(reduce, edited);
  assert.deepEqual([back.document, canUndo(back.history)], [DOCUMENT, false]);
  const forth = [REDO, REDO].reduce(reduce, back);
  assert.deepEqual([forth.document, canRedo(forth.history)], [edited.document, false]);
});

test("undo at the first step and redo at the last change nothing", () => {
  assert.equal(reduce(OPENED, UNDO), OPENED);
  assert.equal(reduce(OPENED, REDO), OPENED);
});

test("an edit after undo makes a branch and loses nothing", () => {
  const state = after(click(20), click(30), UNDO, click(40));
  assert.deepEqual(way(state), [40, 20, undefined]);
  assert.deepEqual(
    nodesOf(state.history).map(({ id }) => id),
    ["first", "a20", "a30", "a40"],
  );
});

test("redo leads to the child that was visited last", () => {
  const branched = after(click(20), UNDO, click(30), UNDO);
  assert.equal(reduce(branched, REDO).history.current, "a30");
  const visited = [{ type: "go", node: "a20" }, UNDO, REDO].reduce(reduce, branched);
  assert.equal(visited.history.current, "a20");
});

test("any node can be gone to, and one that is not there changes nothing", () => {
  const state = after(click(20), click(30));
  assert.deepEqual(reduce(state, { type: "go", node: "first" }).document, DOCUMENT);
  assert.equal(reduce(state, { type: "go", node: "nowhere" }), state);
});

test("what the server has not got is sent once, and not while its gesture goes on", () => {
  const state = after(click(20), drag(30));
  const { nodes, current } = unsent(state.history, "a30");
  assert.deepEqual([nodes.map(({ id, parent }) => [id, parent]), current], [[["a20", "first"]], "a20"]);
  const sent = [RELEASE, kept(["a20", "a30"])].reduce(reduce, state);
  assert.deepEqual(unsent(sent.history, null), { nodes: [], current: "a30" });
});

test("more than one request holds is sent in several, parents first", () => {
  const state = after(...Array.from({ length: 70 }, (_, i) => click(i + 1)));
  const { nodes, current } = unsent(state.history, null);
  assert.deepEqual([nodes.length, current], [64, "a64"]);
});

test("what came of a node that the server does not take hangs on the one before it", () => {
  const refused = { type: "tree", event: { type: "refused", node: "a20" } };
  const { history } = after(click(20), click(30), refused);
  assert.deepEqual(
    unsent(history, null).nodes.map(({ id, parent }) => [id, parent]),
    [["a30", "first"]],
  );
  assert.equal(unsent(after(click(20), refused).history, null).current, "first");
});

test("after a reload redo leads where it did before", () => {
  const state = after(
    told(
      [
        ["first", null, 0, 9],
        ["x", "first", 20, 7],
        ["y", "first", 30, 3],
      ],
      "first",
    ),
  );
  assert.equal(reduce(state, REDO).history.current, "x");
});

test("nodes of another page appear beside one's own, and nobody is moved", () => {
  const alone = after(told([["first", null, 0, 0]]), click(20), kept(["a20"]));
  const theirs = told([
    ["first", null, 0, 0],
    ["a20", "first", 20, 1],
    ["other", "first", 50, 2],
  ]);
  const both = reduce(alone, theirs);
  assert.equal(both.history.current, "a20");
  assert.deepEqual(
    nodesOf(both.history).map(({ id }) => id),
    ["first", "a20", "other"],
  );
  assert.equal([UNDO, REDO].reduce(reduce, both).history.current, "a20");
});

test("what another page deleted goes, but not where one stands: that is sent again", () => {
  const state = after(click(20), click(30), { type: "go", node: "a20" }, kept(["a20", "a30"]));
  const { history } = reduce(state, told([["first", null, 0, 4]]));
  assert.deepEqual(
    nodesOf(history).map(({ id, fate }) => [id, fate]),
    [
      ["first", "kept"],
      ["a20", "new"],
    ],
  );
});

test("a beginning that made room is not sent again", () => {
  const state = after(click(20), click(30), kept(["a20", "a30"]));
  const { history } = reduce(
    state,
    told([
      ["a20", null, 20, 1],
      ["a30", "a20", 30, 2],
    ]),
  );
  assert.deepEqual(
    nodesOf(history).map(({ id, parent, fate }) => [id, parent, fate]),
    [
      ["a20", null, "kept"],
      ["a30", "a20", "kept"],
    ],
  );
});

test("a deleted branch takes all with it, and who stood there stands before it", () => {
  const state = after(click(20), click(30), { type: "tree", event: { type: "cut", node: "a20" } });
  assert.deepEqual([state.document, nodesOf(state.history).length], [DOCUMENT, 1]);
  assert.equal(
    after(click(20), { type: "tree", event: { type: "cut", node: "first" } }).history.current,
    "a20",
  );
});

test("another session takes the whole tree over, below its own first node", () => {
  const moved = after(click(20), kept(["a20"]), {
    type: "session",
    id: "t",
    node: "root",
    document: plainDocument("demo", 9, 0.7),
    jobs: [],
  });
  assert.deepEqual(moved.document, aged(20));
  assert.deepEqual(
    unsent(moved.history, null).nodes.map(({ id, parent }) => [id, parent]),
    [
      ["first", "root"],
      ["a20", "first"],
    ],
  );
});

test("what a page could not send before it was closed is taken up by the next one", () => {
  const closed = after(click(20), kept(["a20"]), click(30));
  const left = { type: "tree", event: { type: "restored", ...allUnsent(closed.history) } };
  const opened = after(
    told([
      ["first", null, 0, 0],
      ["a20", "first", 20, 1],
    ]),
    left,
  );
  assert.deepEqual(way(opened), [30, 20, undefined]);
  assert.deepEqual(opened.document, aged(30));
  assert.deepEqual(
    unsent(opened.history, null).nodes.map(({ id }) => id),
    ["a30"],
  );
  assert.deepEqual(way(reduce(opened, left)), [30, 20, undefined], "and once only");
});
