// Exploring in the page's state: whether the face is held, and the faces seen lately.

/** @import { Base, LoomDocument } from "./messages.js" */
/** @import { State, Store } from "./state.js" */

/**
 * @typedef {object} Exploring
 * @property {boolean} locked the face stays, whatever asks for a new one or comes by itself
 * @property {Base[]} trail faces seen lately, in the order in which they were first seen
 */

/** @type {Exploring} */
export const UNEXPLORED = Object.freeze({ locked: false, trail: [] });

const TRAIL_LENGTH = 60;
const STORED_AS = "latent-loom.exploring";

/** Which face it is, however truncated. @param {Base} base */
export const faceName = (base) => (base.kind === "seed" ? `seed ${base.seed}` : base.latent);

/** @param {Base[]} trail @param {Base} base */
const placeOf = (trail, base) => trail.findIndex((each) => faceName(each) === faceName(base));

/**
 * The trail of somebody who goes from one face to another. A face that is on it stays where it is; the average
 * one, from which a map begins, is no face to come back to.
 * @param {Base[]} trail
 * @param {Base} from
 * @param {Base} to
 */
export const wentOn = (trail, from, to) =>
  (from.truncation_psi === 0 ? [to] : [from, to])
    .reduce((before, base) => (placeOf(before, base) < 0 ? [...before, base] : before), trail)
    .slice(-TRAIL_LENGTH);

/**
 * The face seen before this one; null where there is none.
 * @param {Base[]} trail
 * @param {Base | undefined} base
 */
export function faceBefore(trail, base) {
  const at = base ? placeOf(trail, base) : -1;
  return (at < 0 ? trail.at(-1) : trail[at - 1]) ?? null;
}

/**
 * A face of the trail as it is shown now: how far truncation goes is a setting that stays.
 * @param {Base} base
 * @param {Base} current
 * @returns {Base}
 */
export const asSetNow = (base, current) =>
  base.kind === "seed" && current.kind === "seed"
    ? {
        ...base,
        truncation_psi: current.truncation_psi,
        truncation_cutoff: current.truncation_cutoff,
      }
    : base;

/**
 * What a document that comes by itself becomes, from a file or from a photo's search: a locked face stays, mix
 * and all, and takes the edits over.
 * @param {Pick<State, "document" | "exploring">} state
 * @param {LoomDocument} document
 * @returns {LoomDocument}
 */
export function adopted(state, document) {
  const current = state.document;
  if (!state.exploring.locked || !current || current.model !== document.model) return document;
  return { ...document, base: current.base, mix: current.mix, base_attributes: current.base_attributes };
}

/**
 * Keeps trail and lock of a session for the page's next visit.
 * @param {Store} store
 * @param {Pick<Storage, "getItem" | "setItem">} storage
 */
export function rememberExploring(store, storage) {
  let session = /** @type {string | null} */ (null);
  let kept = store.get().exploring;
  store.subscribe(() => {
    const state = store.get();
    if (state.session && state.session !== session) {
      session = state.session;
      kept = stored(storage, session);
      if (kept.trail.length || kept.locked) store.dispatch({ type: "exploring", change: kept });
    } else if (session && state.exploring !== kept) {
      kept = state.exploring;
      try {
        storage.setItem(STORED_AS, JSON.stringify({ session, ...kept }));
      } catch {
        // the browser keeps no more: the trail lasts as long as the page then
      }
    }
  });
}

/** @param {Pick<Storage, "getItem">} storage @param {string} session @returns {Exploring} */
function stored(storage, session) {
  try {
    const { session: of, locked, trail } = JSON.parse(storage.getItem(STORED_AS) ?? "{}");
    if (of === session && Array.isArray(trail))
      return { locked: locked === true, trail: trail.filter(isBase) };
  } catch {
    // written by another version: begins anew
  }
  return UNEXPLORED;
}

/** @param {any} value @returns {value is Base} */
const isBase = (value) =>
  typeof value?.truncation_psi === "number" &&
  (value.kind === "seed" ? Number.isInteger(value.seed) : typeof value.latent === "string");
