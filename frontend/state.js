// The page's whole state: one immutable object, one pure reducer, one small store.

import { faceKey } from "./document.js";
import { EMPTY_COLLECTION, reduceCollection } from "./collection.js";
import { NOT_COMPARED } from "./comparing.js";
import { UNEXPLORED } from "./exploring.js";
import { NO_HISTORY, rooted } from "./history.js";
import { sameText } from "./kept_text.js";
import { UNMIXED } from "./mixing.js";
import { withAligned, withAnchors, withHistory, withJob, withPhoto } from "./searches.js";
import { isOver } from "./selectors.js";
import { inForce, withEdit, withPlace, withRelease, withStep, withTree } from "./steps.js";

/** @import { About, Anchors, AnyModel, CurvePoint, History, Job, LoomDocument, Moment, Photo, SearchSettings } from "./messages.js" */
/** @import { Collection, CollectionAction } from "./collection.js" */
/** @import { Comparison } from "./comparing.js" */
/** @import { Exploring } from "./exploring.js" */
/** @import { Tree, TreeEvent } from "./history.js" */
/** @import { KeptText } from "./kept_text.js" */
/** @import { Mixing } from "./mixing.js" */
/** @import { Direction, LayerRules, Reading, Task } from "./editing_messages.js" */

const REMEMBERED_FACES = 50;

/**
 * @typedef {object} Toast
 * @property {number} id
 * @property {"error" | "info"} tone
 * @property {KeptText} title
 * @property {KeptText} detail
 * @property {KeptText} hint
 * @property {number} times
 */
/** @typedef {{ name: string, held: boolean, at: number }} Gesture */
/** @typedef {{ title: KeptText, detail: KeptText, hint: KeptText }} Refusal */
/**
 * @typedef {object} Connection
 * @property {"connecting" | "open" | "lost"} phase
 * @property {number | null} retryAt in performance.now's milliseconds
 * @property {Refusal | null} refusal why the server gives no session, if it says so
 */
/** A face before corrections and edits. @typedef {Pick<Reading, "estimated" | "light">} Original */
/**
 * @typedef {object} EditTools
 * @property {"search" | "request" | "keys" | "grid" | "variations" | "walk" | "start-over" | "export" | null} dialog the dialog that is open
 * @property {(LayerRules & { model: string }) | null} rules which rows an edit changes, of one model
 * @property {{ model: string, saved: Direction[] } | null} directions of one model
 * @property {Task | null} search of directions
 * @property {Task | null} request of faces
 * @property {string[]} wished attributes that the request names
 * @property {Record<"walk" | "edit", Task | null>} films the newest of each
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
 *   | ({ phase: "failed", name: string } & Refusal)} Upload
 */

/**
 * @typedef {object} State
 * @property {About | null} about
 * @property {AnyModel[]} models as the server lists them, the unusable ones too
 * @property {boolean} chooser whether the list of models is shown
 * @property {boolean} refreshing the server looks at all models again
 * @property {string | null} session
 * @property {LoomDocument | null} document
 * @property {Tree} history whose current node holds the document
 * @property {Comparison} comparison with which other picture, and how
 * @property {Gesture | null} gesture the slider being moved: its changes are one undo step
 * @property {Mixing} mixing
 * @property {Exploring} exploring
 * @property {Collection} gallery
 * @property {string | null} readingFile name of a file that was brought and is being looked into
 * @property {boolean} keepAttributes a new face keeps the attribute targets
 * @property {Record<string, Original>} originals what was estimated of faces, by faceKey, newest last
 * @property {{ document: LoomDocument, values: Reading } | null} reading of the newest finished picture
 * @property {EditTools} tools
 * @property {Connection} connection
 * @property {Meter} meter
 * @property {"loading" | "ready" | "busy" | "failed"} picture
 * @property {KeptText} pictureProblem
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
 *   | { type: "session", id: string, node: string, document: LoomDocument, photos?: Photo[], jobs: Job[] }
 *   | { type: "edit", document: LoomDocument, id: string, gesture: string | null, held: boolean, at: number }
 *   | { type: "release" }
 *   | { type: "undo" } | { type: "redo" } | { type: "go", node: string }
 *   | { type: "tree", event: TreeEvent }
 *   | { type: "comparison", change: Partial<Comparison> }
 *   | { type: "mixing", change: Partial<Mixing> }
 *   | { type: "exploring", change: Partial<Exploring> }
 *   | { type: "gallery", action: CollectionAction }
 *   | { type: "reading-file", name: string | null }
 *   | { type: "keep-attributes", keep: boolean }
 *   | { type: "reading", document: LoomDocument, values: Reading }
 *   | { type: "tools", change: Partial<EditTools> }
 *   | { type: "rules", rules: LayerRules & { model: string } }
 *   | { type: "connection", connection: Connection }
 *   | { type: "meter", meter: Meter }
 *   | { type: "picture", picture: State["picture"], problem?: KeptText }
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
 *   | ({ type: "toast", tone: Toast["tone"] } & Refusal)
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
  history: NO_HISTORY,
  comparison: NOT_COMPARED,
  gesture: null,
  mixing: UNMIXED,
  exploring: UNEXPLORED,
  gallery: EMPTY_COLLECTION,
  readingFile: null,
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
    films: { walk: null, edit: null },
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
      return withRelease(state);
    case "undo":
    case "redo":
      return withStep(state, action.type);
    case "go":
      return withPlace(state, action.node);
    case "tree":
      return withTree(state, action.event);
    case "comparison":
      return { ...state, comparison: { ...state.comparison, ...action.change } };
    case "mixing":
      return { ...state, mixing: { ...state.mixing, ...action.change } };
    case "exploring":
      return { ...state, exploring: { ...state.exploring, ...action.change } };
    case "gallery":
      return { ...state, gallery: reduceCollection(state.gallery, action.action) };
    case "reading-file":
      return { ...state, readingFile: action.name };
    case "keep-attributes":
      return { ...state, keepAttributes: action.keep };
    case "reading":
      return withReading(state, action.document, action.values);
    case "tools":
      return { ...state, tools: { ...state.tools, ...action.change } };
    case "rules":
      return inForce({ ...state, tools: { ...state.tools, rules: action.rules } });
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

/**
 * A session answers: its document is taken over only by a page that has none yet, so that edits made while
 * the connection was lost stay.
 * @param {State} state
 * @param {Extract<Action, { type: "session" }>} action
 * @returns {State}
 */
function withSession(state, { id, node, document, photos, jobs }) {
  const kept = state.document ?? document;
  const another = state.session !== null && state.session !== id;
  const from = another ? { ...state, photos: [], photo: null, jobs: [], awaiting: null } : state;
  const own = photos
    ? [...photos, ...from.photos.filter((each) => !photos.some(({ id }) => id === each.id))]
    : from.photos;
  const next = {
    ...from,
    session: id,
    document: kept,
    history: rooted(state.history, node, document, another),
    photos: own,
    photo: from.photo ?? jobs.findLast((job) => !isOver(job))?.photo ?? own.at(-1)?.id ?? null,
  };
  return jobs.reduce(withJob, next);
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

/** @param {Toast[]} toasts @param {Extract<Action, { type: "toast" }>} action @returns {Toast[]} */
function withToast(toasts, { tone, title, detail, hint }) {
  const again = toasts.find((toast) => sameText(toast.title, title) && sameText(toast.detail, detail));
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
