// What the page does with a document: live pictures, history, keeping it for the next visit, comparing,
// exporting.

import * as api from "./api.js";
import { editCount, withoutEdits } from "./edits.js";
import { FINAL, PROJECTION, jobKey } from "./frame.js";
import { Live } from "./live.js";
import { Meter } from "./meter.js";
import { runningJob } from "./selectors.js";
import { Visit } from "./visit.js";

/** @import { LoomDocument, ServerMessage } from "./messages.js" */
/** @import { Frame } from "./frame.js" */
/** @import { Host } from "./live.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

const BUSY_AFTER_MS = 300;
const REMEMBERED_EDITS = 64;

/**
 * @typedef {{ gesture?: string, held?: boolean }} Manner gesture: the slider being moved; held: by a pointer
 *   that is down
 */

export class Editor {
  #store;
  #screen;
  #live;
  #meter;
  #visit;
  /** @type {Map<number, LoomDocument>} */ #sent = new Map();
  #lastSent = 0;
  /** @type {number | undefined} */ #busyTimer;
  #frames = 0;
  /** What the held layers show. */ #compared = { before: "", photo: "" };
  /** @type {HTMLCanvasElement | null} */ #canvas = null;
  /** Told of every message of the socket. @type {(message: ServerMessage) => void} */ onMessage = () => {};
  /** Told when a slider is let go. @type {() => void} */ onRelease = () => {};

  /** @param {Store} store @param {Screen} screen @param {Host} host */
  constructor(store, screen, host) {
    this.#store = store;
    this.#screen = screen;
    this.#meter = new Meter((meter) => store.dispatch({ type: "meter", meter }));
    this.#visit = new Visit(store, (error) => this.report(error));
    this.#live = new Live(host, {
      session: (attempt) => this.#visit.session(attempt),
      onConnection: (phase, retryAt, reason) =>
        store.dispatch({ type: "connection", connection: { phase, retryAt, refusal: refusalOf(reason) } }),
      onUnknownSession: () => this.#visit.forgetSession(),
      onMessage: (message) => this.#onMessage(message),
      onSent: (seq, document) => this.#onSent(seq, document),
      onPicture: (frame, picture) => this.#onPicture(frame, picture),
      onBadFrame: (error) => this.#pictureFailed("The picture that came could not be read.", error.message),
    });
    store.subscribe(() => {
      const { comparing, view } = store.get();
      screen.choose(comparing ?? view);
    });
  }

  start() {
    void this.#live.start();
    void this.#describe();
  }

  reconnect() {
    void this.#live.start();
  }

  async #describe() {
    try {
      const [models, about] = await Promise.all([api.models(), api.about()]);
      this.#store.dispatch({ type: "loaded", models, about });
    } catch (error) {
      this.report(error);
    }
  }

  /** @param {ServerMessage} message */
  #onMessage(message) {
    const { dispatch, get } = this.#store;
    if (message.type === "hello") {
      dispatch({ type: "session", id: message.session, document: message.document, jobs: message.jobs });
      const { document } = get();
      if (document) this.#live.edit(document, "final");
      void this.#visit.save();
      if (get().models.length === 0) void this.#describe();
      void this.#visit.refresh(message.session);
    } else if (message.type === "attributes") {
      const document = this.#sent.get(message.seq);
      if (document) dispatch({ type: "reading", document, values: message });
    } else if (message.type === "error") {
      const { title = "The picture could not be made", detail = "", hint = "" } = message.problem;
      if (message.seq !== null) this.#pictureFailed(title, detail);
      dispatch({ type: "toast", tone: "error", title, detail, hint });
    }
    this.onMessage(message);
  }

  /** @param {LoomDocument} document @param {Manner} [manner] */
  change(document, { gesture, held = false } = {}) {
    this.#store.dispatch({ type: "edit", document, gesture: gesture ?? null, held, at: performance.now() });
    this.#live.edit(document, gesture === undefined ? "final" : "preview");
    this.#visit.saveSoon();
  }

  /** The slider was let go: its changes are one step, and the picture is due in full. */
  release() {
    const { document, gesture } = this.#store.get();
    if (!gesture || !document) return;
    this.#store.dispatch({ type: "release" });
    this.#live.edit(document, "final");
    void this.#visit.save();
    this.onRelease();
  }

  /** @param {"undo" | "redo"} type */
  step(type) {
    const before = this.#store.get().document;
    this.#store.dispatch({ type });
    const { document } = this.#store.get();
    if (!document || document === before) return;
    this.#live.edit(document, "final");
    this.#visit.saveSoon();
  }

  /** Asks for the same picture again, after it failed. */
  retry() {
    const { document } = this.#store.get();
    if (document) this.#live.edit(document, "final");
  }

  /** The page is being left. */
  leave() {
    void this.#visit.save();
  }

  /** @param {number} seq @param {LoomDocument} document */
  #onSent(seq, document) {
    this.#lastSent = seq;
    this.#sent.set(seq, document);
    this.#sent.delete(seq - REMEMBERED_EDITS);
    this.#meter.sent(seq, performance.now());
    if (this.#busyTimer !== undefined) return;
    this.#busyTimer = window.setTimeout(() => {
      this.#busyTimer = undefined;
      if (this.#store.get().picture !== "loading") this.#store.dispatch({ type: "picture", picture: "busy" });
    }, BUSY_AFTER_MS);
  }

  /**
   * The main canvas; tests read what was drawn last from its data attributes.
   * @param {HTMLCanvasElement | null} canvas
   */
  set canvas(canvas) {
    this.#canvas = canvas;
  }

  /** @param {Frame} frame @param {ImageBitmap} picture */
  #onPicture(frame, picture) {
    if (frame.kind === PROJECTION) {
      const job = runningJob(this.#store.get());
      if (!job || jobKey(job.id) !== frame.job) return picture.close();
      this.#screen.put("projection", picture);
    } else {
      this.#screen.put("document", picture);
      this.#meter.drawn(frame, performance.now());
      if (frame.seq >= this.#lastSent) this.#settled();
    }
    this.#frames += 1;
    const data = this.#canvas?.dataset;
    if (!data) return;
    data.frames = String(this.#frames);
    data.kind = String(frame.kind);
    data[frame.kind === PROJECTION ? "step" : "seq"] = String(frame.seq);
    if (frame.kind === FINAL) data.finalSeq = String(frame.seq);
  }

  #settled() {
    clearTimeout(this.#busyTimer);
    this.#busyTimer = undefined;
    if (this.#store.get().picture !== "ready") this.#store.dispatch({ type: "picture", picture: "ready" });
  }

  /** @param {string} title @param {string} detail */
  #pictureFailed(title, detail) {
    clearTimeout(this.#busyTimer);
    this.#busyTimer = undefined;
    this.#store.dispatch({ type: "picture", picture: "failed", problem: detail || title });
  }

  /**
   * Shows the picture without its attribute edits for as long as a key or button is held; null: back to
   *   the edit.
   * @param {"before" | "photo" | null} what
   * @param {string} [url] of the photo's crop
   */
  async compare(what, url) {
    const { document, comparing } = this.#store.get();
    if (!document || comparing === what) return;
    this.#store.dispatch({ type: "comparing", comparing: what });
    if (!what) return;
    const key = what === "photo" ? (url ?? "") : JSON.stringify(withoutEdits(document));
    if (this.#compared[what] === key) return;
    this.#screen.remove(what);
    try {
      const blob =
        what === "photo" ? await fetched(key) : await api.render(withoutEdits(document), null, "png");
      this.#screen.put(what, await createImageBitmap(blob));
      this.#compared[what] = key;
    } catch (error) {
      this.#store.dispatch({ type: "comparing", comparing: null });
      this.report(error);
    }
  }

  /** The picture as a file, in full resolution and without loss. */
  async download() {
    const { document } = this.#store.get();
    if (!document) return;
    try {
      save(await api.render(document, null, "png"), fileName(document));
    } catch (error) {
      this.report(error);
    }
  }

  /** Tells the person. @param {unknown} error */
  report(error) {
    const problem =
      error instanceof api.ProblemError ? error : new api.ProblemError({ detail: String(error) });
    const { title, detail, hint } = problem;
    this.#store.dispatch({ type: "toast", tone: "error", title, detail, hint });
  }
}

/**
 * What the server said when it would not give a session; null where it said nothing.
 * @param {unknown} reason
 */
function refusalOf(reason) {
  if (!(reason instanceof api.ProblemError) || reason.status === 0) return null;
  return { title: reason.title, detail: reason.detail, hint: reason.hint };
}

/** @param {string} url */
async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok)
    throw new api.ProblemError({ title: "The photo's crop could not be loaded", status: response.status });
  return response.blob();
}

/** @param {LoomDocument} document */
function fileName(document) {
  const { base } = document;
  const face = base.kind === "seed" ? `seed-${base.seed}` : `photo-${base.latent.slice(0, 8)}`;
  return `latent-loom-${face}${editCount(document) ? "-edited" : ""}.png`;
}

/** Gives the person a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
