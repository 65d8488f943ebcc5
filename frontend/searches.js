// What happens to photos and searches in the page's state: pure steps of the reducer.

import { sameAnchors, squareOf } from "./alignment.js";
import { mergedCurve } from "./curve.js";
import { isOver } from "./selectors.js";

/** @import { Anchors, CurvePoint, History, Job, Photo } from "./messages.js" */
/** @import { State } from "./state.js" */

const CURVE_LIMIT = 240;

/** The last one uploaded is looked at. @param {State} state @param {Photo} photo @returns {State} */
export const withPhoto = (state, photo) => ({
  ...state,
  photos: [...state.photos, photo],
  photo: photo.id,
  upload: { phase: "idle" },
});

/** The anchors as the hand has them; the server is told when it lets go.
 * @param {State} state @param {string} id @param {Anchors} anchors @returns {State} */
export function withAnchors(state, id, anchors) {
  const corners = squareOf(anchors);
  if (!corners) return state;
  const moved = (/** @type {Photo} */ photo) => ({
    ...photo,
    alignment: { anchors, corners },
    by_hand: true,
  });
  return { ...state, photos: state.photos.map((photo) => (photo.id === id ? moved(photo) : photo)) };
}

/** The server's answer to these anchors, unless the hand has gone on meanwhile.
 * @param {State} state @param {Photo} answer @param {Anchors} asked @returns {State} */
export function withAligned(state, answer, asked) {
  const fits = (/** @type {Photo} */ { id, alignment }) =>
    id === answer.id && sameAnchors(alignment.anchors, asked);
  return { ...state, photos: state.photos.map((photo) => (fits(photo) ? answer : photo)) };
}

/** @param {State} state @param {Job} job @returns {State} */
export function withJob(state, job) {
  const known = state.jobs.find((each) => each.id === job.id);
  const late = known && isOver(known) && (!isOver(job) || (known.latent && !job.latent));
  if (late) return state;
  const jobs = known ? state.jobs.map((each) => (each === known ? job : each)) : [...state.jobs, job];
  const next = {
    ...state,
    jobs,
    curves: { ...state.curves, [job.id]: curveWith(state.curves[job.id] ?? [], job) },
  };
  if (!known && !isOver(job) && state.awaiting === null) return { ...next, awaiting: job.id };
  if (isOver(job) && state.awaiting === job.id) return { ...next, view: "document" };
  return next;
}

/** @param {State} state @param {string} job @param {History} history @returns {State} */
export const withHistory = (state, job, { points, moments }) => ({
  ...state,
  curves: { ...state.curves, [job]: mergedCurve(state.curves[job] ?? [], points) },
  moments: { ...state.moments, [job]: moments },
});

/** @param {CurvePoint[]} curve @param {Job} job @returns {CurvePoint[]} */
function curveWith(curve, { step, rung, loss, distance, terms }) {
  if (rung === null || loss === null || distance === null || step <= (curve.at(-1)?.step ?? 0)) return curve;
  const longer = [...curve, { step, rung, loss, distance, terms: terms ?? {} }];
  return longer.length > CURVE_LIMIT
    ? longer.filter((_, i) => i % 2 === 0 || i === longer.length - 1)
    : longer;
}
