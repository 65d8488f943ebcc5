// A map of latents: places in deviations of w from the average face, on the screen, and as documents.

import { clamp, plainDocument } from "./document.js";
import { strengthOf, withDirection } from "./edits.js";

/** @import { LatentMap, Place } from "./explore_messages.js" */
/** @import { LoomDocument } from "./messages.js" */
/** @import { EditTools } from "./state.js" */

/** Deviations from the middle to the edge: beyond it hardly any face of the model lies. */
export const REACH = 3;
/** Small pictures on each side of the map. */
export const CELLS = 5;
const DECIMALS = 100;

/**
 * What the map moves: the face being edited, or the average face, from which every face is so far away.
 * @typedef {"face" | "average"} Ground
 */

/** @param {LoomDocument} document @param {LatentMap} map @returns {Place} */
const strengths = (document, { across, up }) => [
  strengthOf(document, across.id),
  strengthOf(document, up.id),
];

/**
 * A model's directions by now, with the map's axes, which are among them. Where they are not known yet, they
 * come with the axes.
 * @param {EditTools["directions"]} directions
 * @param {string} model
 * @param {LatentMap} map
 * @returns {EditTools["directions"]}
 */
export function withAxes(directions, model, { across, up }) {
  if (directions?.model !== model) return directions;
  const others = directions.saved.filter(({ id }) => id !== across.id && id !== up.id);
  return { model, saved: [...others, across, up] };
}

/** The document without what the map did to it. @param {LoomDocument} document @param {LatentMap} map */
export const unmoved = (document, { across, up }) =>
  withDirection(withDirection(document, across.id, 0), up.id, 0);

/**
 * Where a document stands that the map has moved: moving adds to the place exactly what the directions say.
 * @param {Place} unmovedPlace of the document without that
 * @param {LoomDocument} document
 * @param {LatentMap} map
 * @returns {Place}
 */
export function placeOf([x, y], document, map) {
  const [across, up] = strengths(document, map);
  return [x + across, y + up];
}

/** The average face as a document: any seed with nothing left of it. @param {string} model */
export const averageFace = (model) => plainDocument(model, 0, 0);

/**
 * The document whose face lies at a place.
 * @param {LoomDocument} document without what the map did to it
 * @param {Place} from where that lies
 * @param {LatentMap} map
 * @param {Place} to
 * @returns {LoomDocument}
 */
export function documentAt(document, from, map, to) {
  const [across, up] = to.map((value, axis) => Math.round(DECIMALS * (value - from[axis])) / DECIMALS);
  return withDirection(withDirection(document, map.across.id, across), map.up.id, up);
}

/** A place under a pointer. @param {{ x: number, y: number }} at @param {DOMRect} box @returns {Place} */
export const placeUnder = ({ x, y }, { left, top, width, height }) => [
  clamp(((x - left) / width) * 2 - 1, -1, 1) * REACH,
  clamp(1 - ((y - top) / height) * 2, -1, 1) * REACH,
];

/** Where a place is drawn, in parts of the map from its top left. @param {Place} place @returns {Place} */
export const partOf = ([x, y]) => [clamp((x / REACH + 1) / 2, 0, 1), clamp((1 - y / REACH) / 2, 0, 1)];

/** Whether it lies on the map at all. @param {Place} place */
export const isOnMap = (place) => place.every((value) => Math.abs(value) <= REACH);

/** The middle of each small picture, row by row from the top left. @returns {Place[]} */
export function cellPlaces() {
  const middle = (/** @type {number} */ index) => REACH * ((2 * index + 1) / CELLS - 1);
  return Array.from({ length: CELLS * CELLS }, (_, index) => [
    middle(index % CELLS),
    -middle(Math.floor(index / CELLS)),
  ]);
}

/** In the order in which they are drawn: from the middle outwards. @param {Place[]} places */
export const fromTheMiddle = (places) =>
  places
    .map((place, index) => ({ place, index }))
    .sort((a, b) => Math.hypot(...a.place) - Math.hypot(...b.place) || a.index - b.index);

/**
 * Where an arrow key leads; null for other keys.
 * @param {string} key
 * @param {Place} place
 * @param {boolean} far
 * @returns {Place | null}
 */
export function placeAfter(key, [x, y], far) {
  const step = far ? 0.5 : 0.1;
  const [across, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
    key
  ] ?? [0, 0];
  if (!across && !up) return null;
  return [clamp(x + across * step, -REACH, REACH), clamp(y + up * step, -REACH, REACH)];
}
