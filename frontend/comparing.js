// How the picture is compared with what it was: beside it, under a wipe, or not at all. A slice of the state.

import { editCount, withoutEdits } from "./edits.js";

/** @import { LoomDocument } from "./messages.js" */
/** @import { State } from "./state.js" */

/**
 * @typedef {object} Comparison
 * @property {"off" | "wipe" | "beside"} mode
 * @property {string | null} node of the history; null: the face before its edits
 */

/** @type {Comparison} */
export const NOT_COMPARED = { mode: "off", node: null };

/**
 * What "before" is: the chosen node of the history while that is there, else the face before its edits.
 * @param {Pick<State, "document" | "history" | "comparison">} state
 * @returns {LoomDocument | null}
 */
export function beforeOf({ document, history, comparison }) {
  const chosen = comparison.node === null ? undefined : history.nodes[comparison.node];
  return chosen?.document ?? (document && withoutEdits(document));
}

/**
 * Whether there is anything to compare with.
 * @param {Pick<State, "document" | "history" | "comparison">} state
 */
export const canCompare = ({ document, history, comparison }) =>
  document !== null &&
  (editCount(document) > 0 || (comparison.node !== null && comparison.node in history.nodes));
