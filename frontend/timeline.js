// A walk as the page edits it: pure steps on its faces, and where they are in time and under a hand.

/** @import { Easing, Walk, WalkKey, WalkPath } from "./explore_messages.js" */
/** @import { LoomDocument } from "./messages.js" */

/** id: what a face is followed by while others come and go. @typedef {WalkKey & { id: number }} KeyFace */
/** @typedef {{ keys: KeyFace[], path: WalkPath, easing: Easing, closed: boolean }} Timeline */
/**
 * @typedef {{ type: "read", walk: Walk }
 *   | { type: "add", document: LoomDocument }
 *   | { type: "remove", id: number }
 *   | { type: "move", id: number, to: number }
 *   | { type: "seconds", id: number, seconds: number }
 *   | { type: "set", change: Partial<Pick<Timeline, "path" | "easing" | "closed">> }} TimelineAction
 */

export const SECONDS = { minimum: 0.1, maximum: 60, step: 0.1, usual: 2 };
/** As many as the server takes. */
export const MOST_KEYS = 32;

/** @type {Timeline} */
export const EMPTY_TIMELINE = Object.freeze({ keys: [], path: "smooth", easing: "even", closed: false });

/** @param {KeyFace[]} keys */
const nextId = (keys) => 1 + Math.max(0, ...keys.map(({ id }) => id));

/** @param {Timeline} timeline @param {TimelineAction} action @returns {Timeline} */
export function reduceTimeline(timeline, action) {
  const { keys } = timeline;
  switch (action.type) {
    case "read":
      return { ...action.walk, keys: action.walk.keys.map((key, index) => ({ ...key, id: index + 1 })) };
    case "add":
      return fits(timeline, action.document)
        ? {
            ...timeline,
            keys: [...keys, { id: nextId(keys), document: action.document, seconds: SECONDS.usual }],
          }
        : timeline;
    case "remove":
      return { ...timeline, keys: keys.filter(({ id }) => id !== action.id) };
    case "move":
      return { ...timeline, keys: moved(keys, action.id, action.to) };
    case "seconds":
      return {
        ...timeline,
        keys: keys.map((key) => (key.id === action.id ? { ...key, seconds: action.seconds } : key)),
      };
    case "set":
      return { ...timeline, ...action.change };
  }
}

/** Whether a face can join: a walk is of one model, and not endless. @param {Timeline} timeline
 * @param {LoomDocument} document */
export const fits = ({ keys }, document) =>
  keys.length < MOST_KEYS && keys.every((key) => key.document.model === document.model);

/** @param {KeyFace[]} keys @param {number} id @param {number} to */
function moved(keys, id, to) {
  const key = keys.find((each) => each.id === id);
  if (!key) return keys;
  const others = keys.filter((each) => each !== key);
  const at = Math.min(Math.max(0, to), others.length);
  return [...others.slice(0, at), key, ...others.slice(at)];
}

/** What the server keeps and draws. @param {Timeline} timeline @returns {Walk} */
export const walkOf = ({ keys, ...how }) => ({
  ...how,
  keys: keys.map(({ document, seconds }) => ({ document, seconds })),
});

/** Seconds from the beginning at which each face is reached. @param {Timeline} timeline */
export function keyTimes({ keys }) {
  let at = 0;
  return keys.map(({ seconds }) => {
    const reached = at;
    at = Math.round(1000 * (at + seconds)) / 1000;
    return reached;
  });
}

/** Seconds in all; 0 where there is nothing to walk. @param {Timeline} timeline */
export function length(timeline) {
  const { keys, closed } = timeline;
  const last = keys.at(-1);
  if (!last || keys.length < 2) return 0;
  const reached = keyTimes(timeline)[keys.length - 1];
  return closed ? reached + last.seconds : reached;
}

/**
 * Where a card that is held would go: before the first of the others that the hand has not passed in reading
 * order.
 * @param {{ x: number, y: number }} hand
 * @param {{ left: number, right: number, top: number, bottom: number }[]} cards as they stand, the held one too
 * @param {number} held its index
 */
export function placeUnder({ x, y }, cards, held) {
  const others = cards.filter((_, index) => index !== held);
  const next = others.findIndex(
    ({ left, right, top, bottom }) => y < top || (y < bottom && x < (left + right) / 2),
  );
  return next < 0 ? others.length : next;
}
