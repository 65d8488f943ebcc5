// What the page does with a document: live pictures, history, keeping it for the next visit, comparing.

import * as api from "./api.js";
import { Comparer } from "./comparer.js";
import { FINAL, PROJECTION, jobKey } from "./frame.js";
import { message as kept } from "./kept_text.js";
import { Live } from "./live.js";
import { Meter } from "./meter.js";
import { Overdue } from "./overdue.js";
import { runningJob } from "./selectors.js";
import { Remembering, newId } from "./remembering.js";
import { KEYBOARD_GESTURE_MS } from "./steps.js";
import { Visit, forgetSession } from "./visit.js";

/** @import { LoomDocument, ServerMessage } from "./messages.js" */
/** @import { Frame } from "./frame.js" */
/** @import { Host } from "./live.js" */
/** @import { KeptText } from "./kept_text.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

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
  #comparer;
  /** @type {Map<number, LoomDocument>} */ #sent = new Map();
  #lastSent = 0;
  #overdue;
  /** @type {number | undefined} */ #gestureTimer;
  #frames = 0;
  /** @type {HTMLCanvasElement | null} */ #canvas = null;
  /** Told of every message of the socket. @type {(message: ServerMessage) => void} */ onMessage = () => {};
  /** Told when a slider is let go. @type {() => void} */ onRelease = () => {};

  /** @param {Store} store @param {Screen} screen @param {Host} host */
  constructor(store, screen, host) {
    this.#store = store;
    this.#screen = screen;
    this.#meter = new Meter((meter) => store.dispatch({ type: "meter", meter }));
    this.#comparer = new Comparer(store, screen, (error) => this.report(error));
    this.#visit = new Visit(store, (error) => this.report(error));
    this.remembering = new Remembering(store, (error) => this.report(error));
    this.#overdue = new Overdue(host, () => {
      if (store.get().picture !== "loading") store.dispatch({ type: "picture", picture: "busy" });
    });
    this.#live = new Live(host, {
      session: (attempt) => this.#visit.session(attempt),
      onConnection: (phase, retryAt, reason) =>
        store.dispatch({ type: "connection", connection: { phase, retryAt, refusal: refusalOf(reason) } }),
      onUnknownSession: forgetSession,
      onMessage: (message) => this.#onMessage(message),
      onSent: (seq, document) => this.#onSent(seq, document),
      onPicture: (frame, picture) => this.#onPicture(frame, picture),
      onBadFrame: (error) => this.#pictureFailed(kept("picture.unreadable"), error.message),
    });
    store.subscribe(() => {
      const { comparing, view, mixing } = store.get();
      screen.choose(mixing.trying ? "trial" : (comparing ?? view));
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
      const { session: id, node, document: kept, jobs } = message;
      dispatch({ type: "session", id, node, document: kept, jobs });
      const { document } = get();
      if (document) this.#live.edit(document, "final");
      void this.#meet();
      if (get().models.length === 0) void this.#describe();
      void this.#visit.refresh(message.session);
    } else if (message.type === "attributes") {
      const document = this.#sent.get(message.seq);
      if (document) dispatch({ type: "reading", document, values: message });
    } else if (message.type === "error") {
      const { detail = "", hint = "" } = message.problem;
      const title = api.titleOf({ title: kept("picture.failed"), ...message.problem });
      if (message.seq !== null && message.seq >= this.#lastSent)
        this.#pictureFailed(title, detail || hint ? [detail, hint] : "");
      dispatch({ type: "toast", tone: "error", title, detail, hint });
    }
    this.onMessage(message);
  }

  /** The history may stand elsewhere then: where a page stood that was closed without a connection. */
  async #meet() {
    const { document: before } = this.#store.get();
    await this.remembering.meet();
    const { document } = this.#store.get();
    if (document && document !== before) this.#live.edit(document, "final");
  }

  /** @param {LoomDocument} document @param {Manner} [manner] */
  change(document, { gesture, held = false } = {}) {
    const when = { id: newId(), at: performance.now() };
    this.#store.dispatch({ type: "edit", document, gesture: gesture ?? null, held, ...when });
    this.#live.edit(document, gesture === undefined ? "final" : "preview");
    clearTimeout(this.#gestureTimer);
    if (gesture !== undefined && !held)
      this.#gestureTimer = window.setTimeout(() => this.#close(), KEYBOARD_GESTURE_MS);
    this.remembering.soon();
  }

  /** The slider was let go: its changes are one step, and the picture is due in full. */
  release() {
    const { document, gesture } = this.#store.get();
    if (!gesture || !document) return;
    this.#live.edit(document, "final");
    this.#close();
    this.onRelease();
  }

  /** The gesture is one step now. */
  #close() {
    this.#store.dispatch({ type: "release" });
    void this.remembering.now();
  }

  /** @param {"undo" | "redo"} type */
  step(type) {
    this.#move({ type });
  }

  /** To a node of the history. @param {string} node */
  go(node) {
    this.#move({ type: "go", node });
  }

  /** Deletes a node of the history with all that came of it. @param {string} node */
  async cut(node) {
    const before = this.#store.get().document;
    await this.remembering.cut(node);
    const { document } = this.#store.get();
    if (document && document !== before) this.#live.edit(document, "final");
  }

  /** @param {Extract<import("./state.js").Action, { type: "undo" | "redo" | "go" }>} action */
  #move(action) {
    const before = this.#store.get().document;
    this.#store.dispatch(action);
    const { document } = this.#store.get();
    if (!document || document === before) return;
    this.#live.edit(document, "final");
    this.remembering.soon();
  }

  /** Asks for the same picture again, after it failed. */
  retry() {
    const { document } = this.#store.get();
    if (document) this.#live.edit(document, "final");
  }

  /** The page is being left. */
  leave() {
    this.#store.dispatch({ type: "release" });
    this.remembering.leave();
  }

  /** @param {number} seq @param {LoomDocument} document */
  #onSent(seq, document) {
    this.#lastSent = seq;
    this.#sent.set(seq, document);
    this.#sent.delete(seq - REMEMBERED_EDITS);
    this.#meter.sent(seq, performance.now());
    this.#overdue.sent();
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
      else this.#overdue.came();
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
    this.#overdue.over();
    if (this.#store.get().picture !== "ready") this.#store.dispatch({ type: "picture", picture: "ready" });
  }

  /** @param {KeptText} title @param {KeptText} detail */
  #pictureFailed(title, detail) {
    this.#overdue.over();
    this.#store.dispatch({ type: "picture", picture: "failed", problem: detail || title });
  }

  /**
   * Shows another picture for as long as a key or button is held; null: back to the edit.
   * @param {"before" | "photo" | null} what
   * @param {string} [url] of the photo's crop
   */
  compare(what, url) {
    return this.#comparer.hold(what, url);
  }

  /** Tells the person. @param {unknown} error */
  report(error) {
    const { title, detail, hint } = api.asProblem(error);
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
