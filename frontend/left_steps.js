// Steps that a page could not send before it was closed, kept in the browser for the session's next page.

/** @import { NewHistoryNode } from "./messages.js" */

/** @typedef {{ session: string, nodes: NewHistoryNode[], current: string }} Left */

const PREFIX = "latent-loom.unsent.";

/** Where a page keeps them. @param {string} page an id that no other page has */
export const leftAs = (page) => PREFIX + page;

/** @param {Storage} storage @param {string} name see leftAs @param {Left} left */
export function leaveBehind(storage, name, left) {
  try {
    storage.setItem(name, JSON.stringify(left));
  } catch {
    // the browser keeps no more: the page is closing, and nobody is left to be told
  }
}

/**
 * What was left for a session; it is there no longer then. A browser works in one session: what was left for
 * another one, or cannot be read, goes as well.
 * @param {Storage} storage
 * @param {string | null} session
 * @returns {Left[]}
 */
export function takeLeft(storage, session) {
  const names = Object.keys(storage).filter((name) => name.startsWith(PREFIX));
  return names.flatMap((name) => {
    const left = parsed(storage.getItem(name));
    storage.removeItem(name);
    return left?.session === session ? [left] : [];
  });
}

/** @param {string | null} text @returns {Left | null} null: written by another version, or damaged */
function parsed(text) {
  try {
    const left = JSON.parse(text ?? "null");
    return Array.isArray(left?.nodes) && left.nodes.every(isNode) && isText(left.current) ? left : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/** @param {any} node */
const isNode = (node) =>
  [node?.id, node?.parent, node?.name].every(isText) && isText(node.document?.model) && Boolean(node.document.base);
