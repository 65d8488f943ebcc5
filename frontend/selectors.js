// Questions asked of the state.

import { faceKey } from "./document.js";

/** @import { AnyModel, AttributeValues, Job, ModelInfo } from "./messages.js" */
/** @import { State } from "./state.js" */

/** @param {Job} job */
export const isOver = (job) =>
  job.state === "succeeded" || job.state === "failed" || job.state === "cancelled";

/** @param {AnyModel} model @returns {model is ModelInfo} */
export const isUsable = (model) => model.state === "ready" || model.state === "loading";

/** @param {Pick<State, "models">} state */
export const usableModels = (state) => state.models.filter(isUsable);

/** What it is called for people. @param {AnyModel} model */
export const titleOf = (model) => (isUsable(model) ? model.title : model.source);

/** The model of the document as the server lists it. @param {State} state */
export const listedModel = (state) =>
  state.models.find((model) => model.name === state.document?.model) ?? null;

/** The model of the document, if it can be used. @param {State} state */
export function modelOf(state) {
  const model = listedModel(state);
  return model && isUsable(model) ? model : null;
}

/** Why the document's model cannot be used; empty where it can, or nothing is known yet. @param {State} state */
export function modelProblem(state) {
  const name = state.document?.model;
  if (!state.about || !name) return "";
  const model = listedModel(state);
  if (!model) return `The model ${name} is not here any more.`;
  if (model.state === "preparing") return `${model.source} is being prepared.`;
  return model.state === "refused" ? `${model.source} cannot be used: ${model.reason}` : "";
}

/** The model whose loading the picture waits for. @param {State} state */
export function loadingModel(state) {
  const waiting = state.picture === "busy" || state.picture === "loading";
  const model = waiting ? modelOf(state) : null;
  return model && !model.loaded ? model : null;
}

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
