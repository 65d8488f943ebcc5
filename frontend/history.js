// The history as a tree: which documents there were, which came of which, and where the page stands. Pure.

import { sameDocument } from "./document.js";

/** @import { EditHistory, HistoryNode, LoomDocument, NewHistoryNode } from "./messages.js" */

/**
 * @typedef {object} TreeNode
 * @property {string} id
 * @property {string | null} parent null: the first
 * @property {number} number in the order in which they were made
 * @property {number} visited in this page; of several children the one with the highest is where redo leads
 * @property {string} name
 * @property {LoomDocument} document
 * @property {"new" | "kept" | "refused"} fate whether the server has it, or does not take it
 */
/**
 * @typedef {object} Tree
 * @property {Readonly<Record<string, TreeNode>>} nodes by id
 * @property {string | null} current
 * @property {boolean} whole the server's nodes have been read
 */
/**
 * @typedef {{ type: "read", history: EditHistory }
 *   | { type: "kept", nodes: string[], removed: string[] }
 *   | { type: "refused", node: string }
 *   | { type: "restored", nodes: NewHistoryNode[], current: string }
 *   | { type: "named", node: string, name: string }
 *   | { type: "cut", node: string }} TreeEvent
 */

/** @type {Tree} */
export const NO_HISTORY = { nodes: {}, current: null, whole: false };

/**
 * A tree of one node, which the server has.
 * @param {string} id
 * @param {LoomDocument} document
 * @returns {Tree}
 */
export const begun = (id, document) => ({
  nodes: { [id]: { id, parent: null, number: 0, visited: 0, name: "", document, fate: "kept" } },
  current: id,
  whole: false,
});

/** @param {Tree} tree @returns {TreeNode | null} */
export const currentNode = ({ nodes, current }) => (current === null ? null : (nodes[current] ?? null));

/** @param {Tree} tree oldest first */
export const nodesOf = ({ nodes }) => Object.values(nodes).sort((a, b) => a.number - b.number);

/** @param {Tree} tree @param {string} id @returns {TreeNode | null} */
export const parentOf = ({ nodes }, id) => nodes[nodes[id]?.parent ?? ""] ?? null;

/** Where redo leads: the child that was visited last. @param {Tree} tree @returns {TreeNode | null} */
export function nextOf(tree, id = tree.current) {
  const children = nodesOf(tree).filter(({ parent }) => parent === id && id !== null);
  return children.reduce(
    (/** @type {TreeNode | null} */ best, each) => (best && best.visited > each.visited ? best : each),
    null,
  );
}

/** @param {Tree} tree */
export const canUndo = (tree) => tree.current !== null && parentOf(tree, tree.current) !== null;

/** @param {Tree} tree */
export const canRedo = (tree) => nextOf(tree) !== null;

/** @param {Tree} tree @param {"number" | "visited"} what */
const after = ({ nodes }, what) => 1 + Math.max(0, ...Object.values(nodes).map((node) => node[what]));

/** @param {Tree} tree @param {TreeNode} node @returns {Tree} */
const withNode = (tree, node) => ({ ...tree, nodes: { ...tree.nodes, [node.id]: node } });

/** A document made from the current one; it is the current one now. @param {Tree} tree @param {string} id
 * @param {LoomDocument} document */
export const grown = (tree, id, document) =>
  standing(
    withNode(tree, {
      id,
      parent: tree.current,
      number: after(tree, "number"),
      visited: 0,
      name: "",
      document,
      fate: "new",
    }),
    id,
  );

/**
 * The same step with another document: its gesture goes on.
 * @param {Tree} tree
 * @param {LoomDocument} document
 */
export function amended(tree, document) {
  const node = currentNode(tree);
  return node ? withNode(tree, { ...node, document }) : tree;
}

/** @param {Tree} tree @param {string} id @returns {Tree} */
export function standing(tree, id) {
  const node = tree.nodes[id];
  return node ? { ...withNode(tree, { ...node, visited: after(tree, "visited") }), current: id } : tree;
}

/** A gesture is over: what came back to where it began was no step. @param {Tree} tree @returns {Tree} */
export function settled(tree) {
  const node = currentNode(tree);
  const parent = node && parentOf(tree, node.id);
  if (!node || !parent || node.fate !== "new" || !sameDocument(node.document, parent.document)) return tree;
  return standing(without(tree, [node.id]), parent.id);
}

/** The node and all that came of it. @param {Tree} tree @param {string} id */
export function branchOf(tree, id) {
  const ids = new Set([id]);
  for (const node of nodesOf(tree)) if (ids.has(node.parent ?? "")) ids.add(node.id);
  return [...ids];
}

/** The node and all before it, the first one last. @param {Tree} tree @param {string | null} id */
export function pathOf(tree, id) {
  const path = [];
  for (let node = id === null ? null : tree.nodes[id]; node; node = parentOf(tree, node.id))
    path.push(node.id);
  return path;
}

/** @param {Tree} tree @param {string[]} ids @returns {Tree} */
function without(tree, ids) {
  const gone = new Set(ids);
  const left = Object.entries(tree.nodes).filter(([id]) => !gone.has(id));
  return { ...tree, nodes: Object.fromEntries(left) };
}

/**
 * The tree of a session that answers: as it is, unless there is none yet, or the session is another one.
 * @param {Tree} tree
 * @param {string} node where the session stands
 * @param {LoomDocument} document the one there
 * @param {boolean} another
 * @returns {Tree}
 */
export function rooted(tree, node, document, another) {
  if (tree.current === null) return begun(node, document);
  return another ? transplanted(tree, node, document) : tree;
}

/** Another session takes all over, below its own node. @param {Tree} tree @param {string} root
 * @param {LoomDocument} document @returns {Tree} */
function transplanted(tree, root, document) {
  const moved = Object.values(tree.nodes).map(
    (node) =>
      /** @type {const} */ ([
        node.id,
        { ...node, number: node.number + 1, parent: parentOf(tree, node.id)?.id ?? root, fate: "new" },
      ]),
  );
  const nodes = { ...begun(root, document).nodes, ...Object.fromEntries(moved) };
  return { ...tree, nodes: /** @type {Tree["nodes"]} */ (nodes) };
}

/** @param {Tree} tree @param {TreeEvent} event @returns {Tree} */
export function treeAfter(tree, event) {
  switch (event.type) {
    case "read":
      return merged(tree, event.history);
    case "kept":
      return without(
        withFate(tree, event.nodes, "kept"),
        event.removed.filter((id) => id !== tree.current),
      );
    case "restored":
      return restored(tree, event.nodes, event.current);
    case "refused":
      return withFate(tree, [event.node], "refused");
    case "named": {
      const node = tree.nodes[event.node];
      return node ? withNode(tree, { ...node, name: event.name }) : tree;
    }
    case "cut":
      return cut(tree, event.node);
  }
}

/** @param {Tree} tree @param {string[]} ids @param {TreeNode["fate"]} fate */
const withFate = (tree, ids, fate) =>
  ids.reduce((so, id) => (so.nodes[id] ? withNode(so, { ...so.nodes[id], fate }) : so), tree);

/** Without a branch; whoever stands there stands before it then. @param {Tree} tree @param {string} id */
function cut(tree, id) {
  const parent = parentOf(tree, id);
  if (!parent) return tree;
  const branch = branchOf(tree, id);
  const left = without(tree, branch);
  return branch.includes(tree.current ?? "") ? standing(left, parent.id) : left;
}

/**
 * The server's nodes and this page's own. What another page deleted goes, except for what this page stands on
 * or made from it: that is sent again.
 * @param {Tree} tree
 * @param {EditHistory} history
 * @returns {Tree}
 */
function merged(tree, history) {
  const newest = Math.max(...history.nodes.map(({ visited }) => visited));
  const theirs = history.nodes.map((node) => /** @type {const} */ ([node.id, met(tree, node)]));
  const known = Object.fromEntries(theirs);
  const others = Object.values(tree.nodes).filter(({ id }) => !(id in known));
  const own = others.map((node, i) => ({
    ...node,
    number: history.nodes.length + after({ ...tree, nodes: known }, "number") + i,
    visited: node.visited + (tree.whole ? 0 : newest),
  }));
  const all = { ...tree, nodes: { ...known, ...Object.fromEntries(own.map((node) => [node.id, node])) } };
  const made = own.filter(({ fate }) => fate !== "kept").map(({ id }) => id);
  const needed = new Set([tree.current, ...made].flatMap((id) => pathOf(all, id)));
  const lost = own.filter(({ id, fate }) => fate === "kept" && !needed.has(id)).map(({ id }) => id);
  const again = own.filter(({ id, fate }) => fate === "kept" && needed.has(id)).map(({ id }) => id);
  return {
    ...withFate(without(all, lost), again, "new"),
    current: tree.current ?? history.current,
    whole: true,
  };
}

/**
 * A node of the server's; what this page knows of it already stays.
 * @param {Tree} tree
 * @param {HistoryNode} node
 * @returns {TreeNode}
 */
function met(tree, { id, parent, number, visited, name, document }) {
  const known = tree.nodes[id];
  const seen = tree.whole ? (known?.visited ?? -1) : visited;
  return { id, parent, number, visited: seen, name, document: known?.document ?? document, fate: "kept" };
}

/**
 * With steps that an earlier page could not send, standing where it stood. What hung on a step that is gone by
 * now hangs on the first.
 * @param {Tree} tree
 * @param {NewHistoryNode[]} nodes
 * @param {string} current
 * @returns {Tree}
 */
function restored(tree, nodes, current) {
  const [first] = nodesOf(tree);
  const all = nodes.reduce((so, { id, parent, document, name }) => {
    if (id in so.nodes) return so;
    const place = {
      parent: parent in so.nodes ? parent : first.id,
      number: after(so, "number"),
      visited: after(so, "visited"),
    };
    return withNode(so, { id, name, document, fate: "new", ...place });
  }, tree);
  return standing(all, current);
}
