// Questions asked of the state.

import { faceKey } from "./document.js";

/** @import { AttributeValues, Job } from "./messages.js" */
/** @import { State } from "./state.js" */

/** @param {Job} job */
export const isOver = (job) =>
  job.state === "succeeded" || job.state === "failed" || job.state === "cancelled";

/** The model of the document. @param {State} state */
export const modelOf = (state) => state.models.find((model) => model.name === state.document?.model) ?? null;

/** Estimated values of the document's face, when they have arrived. @param {State} state */
export const originalsOf = (state) =>
  state.document ? (state.originals[faceKey(state.document)] ?? null) : null;

/**
 * What the sliders show: until a new face's values arrive, those of the face before.
 * @param {State} state
 * @returns {AttributeValues | null}
 */
export const shownOriginals = (state) => originalsOf(state) ?? Object.values(state.originals).at(-1) ?? null;

/** The seed that the document starts from; null for a face found in a photo. @param {State} state */
export const seedOf = (state) => (state.document?.base.kind === "seed" ? state.document.base.seed : null);

/** @param {State} state */
export const photoOf = (state) => state.photos.find((photo) => photo.id === state.photo) ?? null;

/** The newest job on the chosen photo and face. @param {State} state @returns {Job | null} */
export const jobOf = (state) =>
  state.jobs.findLast((job) => job.photo === state.photo && job.face === state.face) ?? null;

/**
 * The job that is queued or running, whatever photo is looked at.
 * @param {State} state
 * @returns {Job | null}
 */
export const runningJob = (state) => state.jobs.findLast((job) => !isOver(job)) ?? null;

/** The job whose face the document starts from. @param {State} state @returns {Job | null} */
export function jobOfBase(state) {
  const base = state.document?.base;
  return base?.kind === "latent" ? (state.jobs.find((job) => job.latent === base.latent) ?? null) : null;
}
