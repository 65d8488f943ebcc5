// What of a history the server has not got yet. Pure.

import { nodesOf, pathOf } from "./history.js";

/** @import { Tree } from "./history.js" */
/** @import { NewHistoryNode } from "./messages.js" */

/** Bytes of nodes in one request: what a page that is being closed may still send. */
const SENT_BYTES = 50_000;

/**
 * What the server has not got yet, as much as one request holds, and where it is to stand then.
 * @param {Tree} tree
 * @param {string | null} open the node whose gesture goes on: it may still change
 * @param {number} [most] how many nodes
 * @returns {{ nodes: NewHistoryNode[], current: string | null }}
 */
export function unsent(tree, open, most = 64) {
  const news = nodesOf(tree).filter(
    ({ id, fate, parent }) => fate === "new" && id !== open && parent !== null,
  );
  /** @type {NewHistoryNode[]} */
  const nodes = [];
  let bytes = 0;
  for (const { id, document, name } of news) {
    const node = { id, parent: /** @type {string} */ (takenBefore(tree, id)), document, name };
    bytes += JSON.stringify(node).length;
    if (nodes.length && (bytes > SENT_BYTES || nodes.length === most)) break;
    nodes.push(node);
  }
  if (nodes.length < news.length) return { nodes, current: nodes.at(-1)?.id ?? null };
  const stands = tree.current === open || tree.nodes[tree.current ?? ""]?.fate === "refused";
  return { nodes, current: stands && tree.current ? takenBefore(tree, tree.current) : tree.current };
}

/** All of it, where it is kept until the next visit. @param {Tree} tree */
export function allUnsent(tree) {
  const news = nodesOf(tree).filter(({ fate, parent }) => fate === "new" && parent !== null);
  const nodes = news.map(({ id, document, name }) => {
    return { id, parent: /** @type {string} */ (takenBefore(tree, id)), document, name };
  });
  return { nodes, current: /** @type {string} */ (tree.current) };
}

/** The nearest one before it that the server takes. @param {Tree} tree @param {string} id */
const takenBefore = (tree, id) =>
  pathOf(tree, id)
    .slice(1)
    .find((each) => tree.nodes[each].fate !== "refused") ?? null;
