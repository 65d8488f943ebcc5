// The page's whole state: one immutable object, one pure reducer, one small store.

import { mixSettings, sameDocument } from "./document.js";
import { isOver } from "./selectors.js";

/** @import { About, AnyModel, AttributeValues, Job, LoomDocument, Photo } from "./messages.js" */
/** @import { MixSettings } from "./document.js" */

const HISTORY_LIMIT = 200;
const CURVE_LIMIT = 240;
const REMEMBERED_FACES = 50;
/** Key presses this close together are one undo step. */
const KEYBOARD_GESTURE_MS = 800;

/**
 * @typedef {object} Toast
 * @property {number} id
 * @property {"error" | "info"} tone
 * @property {string} title
 * @property {string} detail
 * @property {string} hint
 * @property {number} times
 */
/** @typedef {{ name: string, held: boolean, at: number }} Gesture */
/** @typedef {{ title: string, detail: string, hint: string }} Refusal */
/**
 * @typedef {object} Connection
 * @property {"connecting" | "open" | "lost"} phase
 * @property {number | null} retryAt in performance.now's milliseconds
 * @property {Refusal | null} refusal why the server gives no session, if it says so
 */
/** @typedef {{ step: number, loss: number }} CurvePoint */
/**
 * @typedef {object} Meter
 * @property {number | null} latencyMs from sending an edit to seeing it
 * @property {number | null} perSecond pictures
 * @property {number} renderMs
 * @property {number} queuedMs
 * @property {number} size pixels
 */
/**
 * @typedef {{ phase: "idle" }
 *   | { phase: "sending", name: string }
 *   | { phase: "failed", name: string, title: string, detail: string, hint: string }} Upload
 */

/**
 * @typedef {object} State
 * @property {About | null} about
 * @property {AnyModel[]} models as the server lists them, the unusable ones too
 * @property {boolean} chooser whether the list of models is shown
 * @property {boolean} refreshing the server looks at all models again
 * @property {string | null} session
 * @property {LoomDocument | null} document
 * @property {LoomDocument[]} past
 * @property {LoomDocument[]} future
 * @property {Gesture | null} gesture the slider being moved: its changes are one undo step
 * @property {MixSettings} mix
 * @property {boolean} keepAttributes a new face keeps the attribute targets
 * @property {Record<string, AttributeValues>} originals estimated values by faceKey, newest last
 * @property {Connection} connection
 * @property {Meter} meter
 * @property {"loading" | "ready" | "busy" | "failed"} picture
 * @property {string} pictureProblem
 * @property {"document" | "projection"} view what the canvas shows
 * @property {"photo" | "before" | null} comparing
 * @property {Photo[]} photos oldest first
 * @property {string | null} photo the chosen photo's id
 * @property {number} face index of the chosen face on it
 * @property {Upload} upload
 * @property {Job[]} jobs oldest first
 * @property {Record<string, CurvePoint[]>} curves by job id
 * @property {string | null} awaiting the job whose face becomes the document when it is found
 * @property {Toast[]} toasts
 */

/**
 * @typedef {{ type: "loaded", about?: About, models?: AnyModel[] }
 *   | { type: "chooser", open: boolean }
 *   | { type: "refreshing", refreshing: boolean }
 *   | { type: "session", id: string, document: LoomDocument, photos?: Photo[], jobs: Job[] }
 *   | { type: "edit", document: LoomDocument, gesture: string | null, held: boolean, at: number }
 *   | { type: "release" }
 *   | { type: "undo" } | { type: "redo" }
 *   | { type: "mix", mix: MixSettings }
 *   | { type: "keep-attributes", keep: boolean }
 *   | { type: "originals", key: string, values: AttributeValues }
 *   | { type: "connection", connection: Connection }
 *   | { type: "meter", meter: Meter }
 *   | { type: "picture", picture: State["picture"], problem?: string }
 *   | { type: "view", view: State["view"] }
 *   | { type: "comparing", comparing: State["comparing"] }
 *   | { type: "upload", upload: Upload }
 *   | { type: "photo-added", photo: Photo }
 *   | { type: "photo-chosen", photo: string, face: number }
 *   | { type: "awaiting", job: string | null }
 *   | { type: "job", job: Job }
 *   | { type: "toast", tone: Toast["tone"], title: string, detail: string, hint: string }
 *   | { type: "toast-dismissed", id: number }} Action
 */

/** @type {State} */
export const initialState = {
  about: null,
  models: [],
  chooser: false,
  refreshing: false,
  session: null,
  document: null,
  past: [],
  future: [],
  gesture: null,
  mix: { enabled: false, seed: 7, crossover: 4, strength: 1 },
  keepAttributes: false,
  originals: {},
  connection: { phase: "connecting", retryAt: null, refusal: null },
  meter: { latencyMs: null, perSecond: null, renderMs: 0, queuedMs: 0, size: 0 },
  picture: "loading",
  pictureProblem: "",
  view: "document",
  comparing: null,
  photos: [],
  photo: null,
  face: 0,
  upload: { phase: "idle" },
  jobs: [],
  curves: {},
  awaiting: null,
  toasts: [],
};

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  switch (action.type) {
    case "loaded":
      return { ...state, about: action.about ?? state.about, models: action.models ?? state.models };
    case "chooser":
      return { ...state, chooser: action.open };
    case "refreshing":
      return { ...state, refreshing: action.refreshing };
    case "session":
      return withSession(state, action);
    case "edit":
      return withEdit(state, action);
    case "release":
      return state.gesture ? { ...state, gesture: null } : state;
    case "undo":
      return state.past.length
        ? stepped(state, state.past.slice(0, -1), last(state.past), [current(state), ...state.future])
        : state;
    case "redo":
      return state.future.length
        ? stepped(state, [...state.past, current(state)], state.future[0], state.future.slice(1))
        : state;
    case "mix":
      return { ...state, mix: action.mix };
    case "keep-attributes":
      return { ...state, keepAttributes: action.keep };
    case "originals":
      return { ...state, originals: remembered(state.originals, action.key, action.values) };
    case "connection":
      return { ...state, connection: action.connection };
    case "meter":
      return { ...state, meter: action.meter };
    case "picture":
      return { ...state, picture: action.picture, pictureProblem: action.problem ?? "" };
    case "view":
      return { ...state, view: action.view };
    case "comparing":
      return { ...state, comparing: action.comparing };
    case "upload":
      return { ...state, upload: action.upload };
    case "photo-added":
      return {
        ...state,
        photos: [...state.photos, action.photo],
        photo: action.photo.id,
        face: 0,
        upload: { phase: "idle" },
      };
    case "photo-chosen":
      return { ...state, photo: action.photo, face: action.face };
    case "awaiting":
      return { ...state, awaiting: action.job };
    case "job":
      return withJob(state, action.job);
    case "toast":
      return { ...state, toasts: withToast(state.toasts, action) };
    case "toast-dismissed":
      return { ...state, toasts: state.toasts.filter((toast) => toast.id !== action.id) };
  }
}

/** @template T @param {T[]} items @returns {T} */
const last = (items) => items[items.length - 1];

/** @param {State} state @returns {LoomDocument} */
const current = (state) => /** @type {LoomDocument} */ (state.document);

/**
 * A session answers: its document is taken over only by a page that has none yet, so that edits made while
 * the connection was lost stay.
 * @param {State} state
 * @param {Extract<Action, { type: "session" }>} action
 * @returns {State}
 */
function withSession(state, { id, document, photos, jobs }) {
  const kept = state.document ?? document;
  const mix = state.document ? state.mix : mixSettings(document, state.mix);
  const another = state.session !== null && state.session !== id;
  const from = another ? { ...state, photos: [], photo: null, jobs: [], awaiting: null } : state;
  const own = photos
    ? [...photos, ...from.photos.filter((each) => !photos.some(({ id }) => id === each.id))]
    : from.photos;
  const next = {
    ...from,
    session: id,
    document: kept,
    mix,
    photos: own,
    photo: from.photo ?? own.at(-1)?.id ?? null,
  };
  return jobs.reduce(withJob, next);
}

/** @param {State} state @param {Extract<Action, { type: "edit" }>} action @returns {State} */
function withEdit(state, { document, gesture, held, at }) {
  const before = state.document;
  if (before && sameDocument(before, document)) {
    return gesture && state.gesture?.name === gesture
      ? { ...state, gesture: { name: gesture, held, at } }
      : state;
  }
  const open = state.gesture;
  const continues =
    gesture !== null && open?.name === gesture && (open.held || at - open.at < KEYBOARD_GESTURE_MS);
  const past = continues || !before ? state.past : [...state.past, before].slice(-HISTORY_LIMIT);
  return {
    ...state,
    document,
    past,
    future: [],
    gesture: gesture === null ? null : { name: gesture, held, at },
    mix: followed(before, document, state.mix),
    view: "document",
  };
}

/**
 * The mix panel follows the document, but stays on at a crossover that takes nothing from the second face.
 * @param {LoomDocument | null} before
 * @param {LoomDocument} document
 * @param {MixSettings} mix
 */
const followed = (before, document, mix) =>
  before?.mix.length || document.mix.length ? mixSettings(document, mix) : mix;

/**
 * @param {State} state
 * @param {LoomDocument[]} past
 * @param {LoomDocument} document
 * @param {LoomDocument[]} future
 */
function stepped(state, past, document, future) {
  return {
    ...state,
    past,
    document,
    future,
    gesture: null,
    mix: mixSettings(document, state.mix),
    view: /** @type {const} */ ("document"),
  };
}

/** @param {State["originals"]} originals @param {string} key @param {AttributeValues} values */
function remembered(originals, key, values) {
  const entries = Object.entries(originals).filter(([known]) => known !== key);
  return Object.fromEntries([...entries, [key, values]].slice(-REMEMBERED_FACES));
}

/** @param {State} state @param {Job} job @returns {State} */
function withJob(state, job) {
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

/** @param {CurvePoint[]} curve @param {Job} job @returns {CurvePoint[]} */
function curveWith(curve, job) {
  if (job.loss === null || job.step <= (curve.at(-1)?.step ?? -1)) return curve;
  const longer = [...curve, { step: job.step, loss: job.loss }];
  return longer.length > CURVE_LIMIT
    ? longer.filter((_, i) => i % 2 === 0 || i === longer.length - 1)
    : longer;
}

/** @param {Toast[]} toasts @param {Extract<Action, { type: "toast" }>} action @returns {Toast[]} */
function withToast(toasts, { tone, title, detail, hint }) {
  const again = toasts.find((toast) => toast.title === title && toast.detail === detail);
  if (again) return toasts.map((toast) => (toast === again ? { ...again, times: again.times + 1 } : toast));
  const id = 1 + Math.max(0, ...toasts.map((toast) => toast.id));
  return [...toasts, { id, tone, title, detail, hint, times: 1 }].slice(-4);
}

/**
 * @typedef {object} Store
 * @property {() => State} get
 * @property {(action: Action) => void} dispatch
 * @property {(listener: () => void) => () => void} subscribe
 */

/** @returns {Store} */
export function createStore(state = initialState) {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  return {
    get: () => state,
    dispatch(action) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
