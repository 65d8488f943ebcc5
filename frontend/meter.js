// How the live pictures are doing: time from sending an edit to seeing it, and pictures per second.

/** @import { Frame } from "./frame.js" */
/** @import { Meter as Reading } from "./state.js" */

const WINDOW_MS = 1000;
const REPORT_EVERY_MS = 200;
const SMOOTHING = 0.3;

export class Meter {
  /** @type {Map<number, number>} */ #sentAt = new Map();
  /** @type {number[]} */ #drawnAt = [];
  /** @type {number | null} */ #latency = null;
  /** @type {number | null} */ #perSecond = null;
  #reported = -Infinity;
  #report;

  /** @param {(reading: Reading) => void} report called at a rate that can be read */
  constructor(report) {
    this.#report = report;
  }

  /** @param {number} seq @param {number} now milliseconds */
  sent(seq, now) {
    this.#sentAt.set(seq, now);
  }

  /**
   * @param {Pick<Frame, "seq" | "width" | "renderMs" | "queuedMs">} frame
   * @param {number} now milliseconds
   */
  drawn(frame, now) {
    const sent = this.#sentAt.get(frame.seq);
    for (const seq of this.#sentAt.keys()) if (seq <= frame.seq) this.#sentAt.delete(seq);
    if (sent !== undefined) {
      const took = now - sent;
      this.#latency = this.#latency === null ? took : this.#latency + SMOOTHING * (took - this.#latency);
    }
    this.#drawnAt = [...this.#drawnAt.filter((at) => now - at < WINDOW_MS), now];
    const span = now - this.#drawnAt[0];
    if (this.#drawnAt.length > 2 && span > 0) this.#perSecond = ((this.#drawnAt.length - 1) * 1000) / span;
    if (now - this.#reported < REPORT_EVERY_MS) return;
    this.#reported = now;
    this.#report({
      latencyMs: this.#latency,
      perSecond: this.#perSecond,
      renderMs: frame.renderMs,
      queuedMs: frame.queuedMs,
      size: frame.width,
    });
  }
}
