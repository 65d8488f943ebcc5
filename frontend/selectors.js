// Questions asked of the state.

import { ANCHOR_NAMES } from "./alignment.js";
import { faceKey, sameDocument } from "./document.js";
import { t } from "./language.js";

/** @import { AnyModel, AttributeValues, Job, ModelInfo, Photo } from "./messages.js" */
/** @import { Original, State } from "./state.js" */

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
  if (!model) return t("model.gone", { model: name });
  if (model.state === "preparing") return t("model.preparing", { model: model.source });
  const { source, state: known } = model;
  return known === "refused" ? t("model.refused", { model: source, reason: model.reason }) : "";
}

/** The model whose loading the picture waits for. @param {State} state */
export function loadingModel(state) {
  const waiting = state.picture === "busy" || state.picture === "loading";
  const model = waiting ? modelOf(state) : null;
  return model && !model.loaded ? model : null;
}

/** What was estimated of the document's face, when it has arrived. @param {State} state */
export const originalOf = (state) =>
  state.document ? (state.originals[faceKey(state.document)] ?? null) : null;

/**
 * What the face had before its edits: estimated, or corrected by hand. Null until that is known.
 * @param {State} state
 * @returns {AttributeValues | null}
 */
export const originalsOf = (state) => corrected(state, originalOf(state));

/**
 * What the sliders show: until a new face's values arrive, those of the face before.
 * @param {State} state
 * @returns {AttributeValues | null}
 */
export const shownOriginals = (state) => corrected(state, shownOriginal(state));

/** @param {State} state */
export const shownOriginal = (state) => originalOf(state) ?? Object.values(state.originals).at(-1) ?? null;

/** @param {State} state @param {Original | null} original */
const corrected = (state, original) =>
  original && { ...original.estimated, ...state.document?.base_attributes };

/**
 * What the edit came to; of the picture before while a new one is on its way.
 * @param {State} state
 */
export function readingOf({ reading, document }) {
  if (!reading || !document || reading.document.model !== document.model) return null;
  return { ...reading, current: sameDocument(reading.document, document) };
}

/** The seed that the document starts from; null for a face found in a photo. @param {State} state */
export const seedOf = (state) => (state.document?.base.kind === "seed" ? state.document.base.seed : null);

/** @param {State} state */
export const photoOf = (state) => state.photos.find((photo) => photo.id === state.photo) ?? null;

/**
 * Which of the faces found on a photo lies nearest to these anchors; null where none was found.
 * @param {Photo} photo
 * @returns {number | null}
 */
export function faceOf({ faces, alignment }, anchors = alignment.anchors) {
  const away = faces.map((face) =>
    ANCHOR_NAMES.reduce((sum, name) => {
      const [[x, y], [toX, toY]] = [face.alignment.anchors[name], anchors[name]];
      return sum + Math.hypot(x - toX, y - toY);
    }, 0),
  );
  return away.length ? away.indexOf(Math.min(...away)) : null;
}

/** The jobs on the chosen face of the chosen photo, oldest first. @param {State} state */
export function jobsOf(state) {
  const photo = photoOf(state);
  if (!photo) return [];
  const face = faceOf(photo);
  return state.jobs.filter((job) => job.photo === photo.id && faceOf(photo, job.alignment.anchors) === face);
}

/** The newest of them. @param {State} state @returns {Job | null} */
export const jobOf = (state) => jobsOf(state).at(-1) ?? null;

/**
 * Of the jobs that are not over the one to watch: that of the chosen face, else the awaited one, else the
 * newest.
 * @param {State} state
 * @returns {Job | null}
 */
export function runningJob(state) {
  const open = state.jobs.filter((job) => !isOver(job));
  const own = jobOf(state)?.id;
  return (
    open.find(({ id }) => id === own) ?? open.find(({ id }) => id === state.awaiting) ?? open.at(-1) ?? null
  );
}

/** The job whose face the document starts from. @param {State} state @returns {Job | null} */
export function jobOfBase(state) {
  const base = state.document?.base;
  return base?.kind === "latent" ? (state.jobs.find((job) => job.latent === base.latent) ?? null) : null;
}
