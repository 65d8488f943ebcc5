// How edits become steps of the history: one for each gesture.

import { sameDocument } from "./document.js";
import { keptLayers, withoutEdits } from "./edits.js";
import { amended, currentNode, grown, nextOf, parentOf, settled, standing, treeAfter } from "./history.js";
import { withShelf } from "./mixing.js";

/** @import { LoomDocument } from "./messages.js" */
/** @import { Tree, TreeEvent } from "./history.js" */
/** @import { Action, State } from "./state.js" */

/** Key presses this close together are one step. */
export const KEYBOARD_GESTURE_MS = 800;

/** @param {State} state @param {Extract<Action, { type: "edit" }>} action @returns {State} */
export function withEdit(state, { document, id, gesture, held, at }) {
  const before = state.document;
  if (before && sameDocument(before, document)) {
    return gesture && state.gesture?.name === gesture
      ? { ...state, gesture: { name: gesture, held, at } }
      : state;
  }
  const open = state.gesture;
  const continues =
    gesture !== null && open?.name === gesture && (open.held || at - open.at < KEYBOARD_GESTURE_MS);
  const history = continues ? amended(state.history, document) : grown(settled(state.history), id, document);
  return {
    ...state,
    document,
    history,
    gesture: gesture === null ? null : { name: gesture, held, at },
    mixing: withShelf(before, document, state.mixing),
    view: "document",
  };
}

/** @param {State} state @returns {State} */
export const withRelease = (state) =>
  state.gesture ? { ...state, gesture: null, history: settled(state.history) } : state;

/** @param {State} state @param {"undo" | "redo"} way @returns {State} */
export function withStep(state, way) {
  const history = settled(state.history);
  const from = currentNode(history);
  const to = from && (way === "undo" ? parentOf(history, from.id) : nextOf(history));
  return to ? at(state, standing(history, to.id)) : state;
}

/** @param {State} state @param {string} node @returns {State} */
export function withPlace(state, node) {
  const history = settled(state.history);
  return node in history.nodes && node !== history.current ? at(state, standing(history, node)) : state;
}

/** @param {State} state @param {TreeEvent} event @returns {State} */
export function withTree(state, event) {
  const history = treeAfter(state.history, event);
  return history.current === state.history.current ? { ...state, history } : at(state, history);
}

/**
 * The layer rules kept for a model are in force where nothing was edited yet. They do not change the picture,
 * so they are no step.
 * @param {State} state
 * @returns {State}
 */
export function inForce(state) {
  const { document, history, tools } = state;
  const { rules } = tools;
  const untouched =
    document?.model === rules?.model &&
    Object.keys(document?.layers ?? {}).length === 0 &&
    document &&
    sameDocument(document, withoutEdits(document));
  if (!rules || !untouched) return state;
  const ruled = { ...document, layers: keptLayers(rules) };
  return { ...state, document: ruled, history: amended(history, ruled) };
}

/** At the current node of that tree. @param {State} state @param {Tree} history @returns {State} */
function at(state, history) {
  const document = /** @type {LoomDocument} */ (currentNode(history)?.document);
  const mixing = withShelf(state.document, document, state.mixing);
  return inForce({ ...state, document, history, mixing, gesture: null, view: "document" });
}
