// The page's whole state: one immutable object, one pure reducer, one small store.

import { faceKey, mixSettings, sameDocument } from "./document.js";
import { keptLayers, withoutEdits } from "./edits.js";
import { withAligned, withAnchors, withHistory, withJob, withPhoto } from "./searches.js";
import { isOver } from "./selectors.js";

/** @import { About, Anchors, AnyModel, CurvePoint, History, Job, LoomDocument, Moment, Photo, SearchSettings } from "./messages.js" */
/** @import { MixSettings } from "./document.js" */
/** @import { Direction, LayerRules, Reading, Task } from "./editing_messages.js" */

const HISTORY_LIMIT = 200;
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
/** A face before corrections and edits. @typedef {Pick<Reading, "estimated" | "light">} Original */
/**
 * @typedef {object} EditTools
 * @property {"search" | "request" | null} dialog the dialog that is open
 * @property {(LayerRules & { model: string }) | null} rules which rows an edit changes, of one model
 * @property {{ model: string, saved: Direction[] } | null} directions of one model
 * @property {Task | null} search of directions
 * @property {Task | null} request of faces
 * @property {string[]} wished attributes that the request names
 * @property {Refusal | null} refusal of what was last asked for in a dialog
 */
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
 * @property {Record<string, Original>} originals what was estimated of faces, by faceKey, newest last
 * @property {{ document: LoomDocument, values: Reading } | null} reading of the newest finished picture
 * @property {EditTools} tools
 * @property {Connection} connection
 * @property {Meter} meter
 * @property {"loading" | "ready" | "busy" | "failed"} picture
 * @property {string} pictureProblem
 * @property {"document" | "projection"} view what the canvas shows
 * @property {"photo" | "before" | null} comparing
 * @property {Photo[]} photos oldest first
 * @property {string | null} photo the chosen photo's id
 * @property {Upload} upload
 * @property {Job[]} jobs oldest first
 * @property {Record<string, CurvePoint[]>} curves by job id
 * @property {Record<string, Moment[]>} moments of each search that is looked at, by job id
 * @property {SearchSettings} search what the next search is asked for
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
 *   | { type: "reading", document: LoomDocument, values: Reading }
 *   | { type: "tools", change: Partial<EditTools> }
 *   | { type: "rules", rules: LayerRules & { model: string } }
 *   | { type: "connection", connection: Connection }
 *   | { type: "meter", meter: Meter }
 *   | { type: "picture", picture: State["picture"], problem?: string }
 *   | { type: "view", view: State["view"] }
 *   | { type: "comparing", comparing: State["comparing"] }
 *   | { type: "upload", upload: Upload }
 *   | { type: "photo-added", photo: Photo }
 *   | { type: "photo-chosen", photo: string }
 *   | { type: "anchors", photo: string, anchors: Anchors }
 *   | { type: "aligned", photo: Photo, asked: Anchors }
 *   | { type: "search", search: SearchSettings }
 *   | { type: "history", job: string, history: History }
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
  reading: null,
  tools: {
    dialog: null,
    rules: null,
    directions: null,
    search: null,
    request: null,
    wished: [],
    refusal: null,
  },
  connection: { phase: "connecting", retryAt: null, refusal: null },
  meter: { latencyMs: null, perSecond: null, renderMs: 0, queuedMs: 0, size: 0 },
  picture: "loading",
  pictureProblem: "",
  view: "document",
  comparing: null,
  photos: [],
  photo: null,
  upload: { phase: "idle" },
  jobs: [],
  curves: {},
  moments: {},
  search: { space: "w", schedule: "fast", steps: null, faithfulness: 0.5 },
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
    case "reading":
      return withReading(state, action.document, action.values);
    case "tools":
      return { ...state, tools: { ...state.tools, ...action.change } };
    case "rules":
      return withRules(state, action.rules);
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
      return withPhoto(state, action.photo);
    case "photo-chosen":
      return { ...state, photo: action.photo };
    case "anchors":
      return withAnchors(state, action.photo, action.anchors);
    case "aligned":
      return withAligned(state, action.photo, action.asked);
    case "search":
      return { ...state, search: action.search };
    case "history":
      return withHistory(state, action.job, action.history);
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
    photo: from.photo ?? jobs.findLast((job) => !isOver(job))?.photo ?? own.at(-1)?.id ?? null,
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

/** @param {State} state @param {LoomDocument} document @param {Reading} values @returns {State} */
function withReading(state, document, values) {
  const reading = { document, values };
  if (values.state === "estimating") return { ...state, reading };
  const key = faceKey(document);
  const others = Object.entries(state.originals).filter(([known]) => known !== key);
  const { estimated, light } = values;
  const kept = [...others, /** @type {const} */ ([key, { estimated, light }])].slice(-REMEMBERED_FACES);
  return { ...state, reading, originals: Object.fromEntries(kept) };
}

/**
 * The rules kept for a model are in force where nothing was edited yet: that does not change the picture.
 * @param {State} state @param {LayerRules & { model: string }} rules @returns {State}
 */
function withRules(state, rules) {
  const { document } = state;
  const next = { ...state, tools: { ...state.tools, rules } };
  const untouched =
    document?.model === rules.model &&
    Object.keys(document.layers).length === 0 &&
    sameDocument(document, withoutEdits(document));
  return untouched ? { ...next, document: { ...document, layers: keptLayers(rules) } } : next;
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
