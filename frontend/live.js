// The live socket: sends the newest document, draws the newest picture, acknowledges every one, comes back
// by itself.

import { PROJECTION, parseFrame } from "./frame.js";

/** @import { ClientMessage, LoomDocument, Quality, ServerMessage } from "./messages.js" */
/** @import { Frame } from "./frame.js" */

const SETTLE_MS = 120;
const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 4_000;
export const UNKNOWN_SESSION = 4404;

/**
 * What the socket needs of the browser; tests give their own.
 * @typedef {object} Host
 * @property {(session: string) => WebSocket} connect
 * @property {(callback: () => void) => void} onNextFrame requestAnimationFrame
 * @property {(callback: () => void, ms: number) => number} setTimer
 * @property {(timer: number) => void} clearTimer
 * @property {() => number} now milliseconds
 * @property {() => number} random 0..1
 * @property {(frame: Frame) => Promise<ImageBitmap>} decode
 */

/**
 * @typedef {object} Handlers
 * @property {(attempt: number) => Promise<string>} session the session's id, made if need be; attempt 0
 *   is the first try
 * @property {(phase: "connecting" | "open" | "lost", retryAt: number | null, reason: unknown) => void}
 *   onConnection
 *   reason: why there is no session to connect to, if that is it
 * @property {() => void} onUnknownSession
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(seq: number, document: LoomDocument) => void} onSent
 * @property {(frame: Frame, picture: ImageBitmap) => void} onPicture draw it now
 * @property {(error: Error) => void} onBadFrame
 */

export class Live {
  /** @type {Host} */ #host;
  /** @type {Handlers} */ #handlers;
  /** @type {WebSocket | null} */ #socket = null;
  #open = false;
  #seq = 0;
  #drawn = 0;
  #attempt = 0;
  #starting = false;
  /** @type {unknown} */ #reason = null;
  /** @type {LoomDocument | null} */ #document = null;
  /** @type {Quality | null} */ #unsent = null;
  #scheduled = false;
  /** @type {number | null} */ #settle = null;
  /** @type {number | null} */ #retry = null;
  /** The newest picture of a search that is not drawn yet. @type {{ frame: Frame, picture: ImageBitmap } | null} */
  #found = null;

  /** @param {Host} host @param {Handlers} handlers */
  constructor(host, handlers) {
    this.#host = host;
    this.#handlers = handlers;
  }

  /** Connects now: at the start, or before a waiting retry is due. */
  async start() {
    if (this.#socket || this.#starting) return;
    this.#starting = true;
    this.#cancelRetry();
    const attempt = this.#attempt;
    this.#handlers.onConnection(attempt ? "lost" : "connecting", null, this.#reason);
    try {
      const session = await this.#handlers.session(attempt);
      this.#reason = null;
      this.#listen(this.#host.connect(session));
    } catch (error) {
      this.#reason = error;
      this.#retryLater();
    } finally {
      this.#starting = false;
    }
  }

  /** @param {LoomDocument} document @param {Quality} quality */
  edit(document, quality) {
    this.#document = document;
    this.#unsent = quality;
    if (this.#settle !== null) this.#host.clearTimer(this.#settle);
    this.#settle = null;
    if (quality === "preview") {
      this.#settle = this.#host.setTimer(() => this.edit(document, "final"), SETTLE_MS);
    }
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled || !this.#open) return;
    this.#scheduled = true;
    this.#host.onNextFrame(() => {
      this.#scheduled = false;
      if (!this.#open || !this.#document || !this.#unsent) return;
      const seq = ++this.#seq;
      this.#send({ type: "edit", seq, document: this.#document, quality: this.#unsent });
      this.#unsent = null;
      this.#handlers.onSent(seq, this.#document);
    });
  }

  /** @param {ClientMessage} message */
  #send(message) {
    if (this.#open) this.#socket?.send(JSON.stringify(message));
  }

  /** @param {WebSocket} socket */
  #listen(socket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#onJson(JSON.parse(data));
      else this.#onFrame(socket, data);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#open = false;
      if (code === UNKNOWN_SESSION) this.#handlers.onUnknownSession();
      this.#retryLater(code === UNKNOWN_SESSION && this.#attempt === 0);
    };
  }

  /** @param {ServerMessage} message */
  #onJson(message) {
    if (message.type === "hello") {
      this.#open = true;
      this.#attempt = 0;
      this.#handlers.onConnection("open", null, null);
      this.#handlers.onMessage(message);
      if (this.#document) this.edit(this.#document, "final"); // whatever the server missed
      return;
    }
    this.#handlers.onMessage(message);
  }

  /**
   * Every edit's frame is acknowledged once, drawn or dropped: the server sends no more than two ahead.
   * @param {WebSocket} socket
   * @param {ArrayBuffer} data
   */
  async #onFrame(socket, data) {
    let frame;
    try {
      frame = parseFrame(data);
    } catch (error) {
      this.#handlers.onBadFrame(/** @type {Error} */ (error));
      return;
    }
    const { kind, seq } = frame;
    if (kind === PROJECTION) return this.#onFound(frame);
    const acknowledge = () => socket === this.#socket && this.#send({ type: "ack", seq });
    if (seq < this.#drawn) return void acknowledge();
    let picture;
    try {
      picture = await this.#host.decode(frame);
    } catch (error) {
      this.#handlers.onBadFrame(/** @type {Error} */ (error));
      return void acknowledge();
    }
    this.#host.onNextFrame(() => {
      if (seq >= this.#drawn) {
        this.#drawn = seq;
        this.#handlers.onPicture(frame, picture);
      } else {
        picture.close();
      }
      acknowledge();
    });
  }

  /**
   * A search goes on while nobody looks: a page in the background draws nothing, so only its newest picture
   * waits to be drawn.
   * @param {Frame} frame
   */
  async #onFound(frame) {
    try {
      const picture = await this.#host.decode(frame);
      const isDue = this.#found !== null;
      this.#found?.picture.close();
      this.#found = { frame, picture };
      if (isDue) return;
    } catch (error) {
      return this.#handlers.onBadFrame(/** @type {Error} */ (error));
    }
    this.#host.onNextFrame(() => {
      const found = this.#found;
      this.#found = null;
      if (found) this.#handlers.onPicture(found.frame, found.picture);
    });
  }

  /** @param {boolean} [now] */
  #retryLater(now = false) {
    const backoff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempt);
    const wait = now ? 0 : backoff * (0.75 + this.#host.random() / 2);
    this.#attempt += 1;
    this.#cancelRetry();
    this.#retry = this.#host.setTimer(() => void this.start(), wait);
    if (!now) this.#handlers.onConnection("lost", this.#host.now() + wait, this.#reason);
  }

  #cancelRetry() {
    if (this.#retry !== null) this.#host.clearTimer(this.#retry);
    this.#retry = null;
  }
}
