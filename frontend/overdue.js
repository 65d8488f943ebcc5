// Whether the picture of the newest edit lets one wait. While pictures flow under a moving hand none is overdue.

const AFTER_MS = 300;

export class Overdue {
  #host;
  #tell;
  /** @type {number | null} */ #timer = null;

  /**
   * @param {Pick<import("./live.js").Host, "setTimer" | "clearTimer">} host
   * @param {() => void} tell called once it is overdue
   */
  constructor(host, tell) {
    this.#host = host;
    this.#tell = tell;
  }

  /** An edit was sent. */
  sent() {
    this.#timer ??= this.#host.setTimer(() => {
      this.#timer = null;
      this.#tell();
    }, AFTER_MS);
  }

  /** A picture of an older edit came: the newest one's is waited for from now on, if it was not overdue yet. */
  came() {
    if (this.#timer === null) return;
    this.over();
    this.sent();
  }

  /** Nothing is waited for any more. */
  over() {
    if (this.#timer !== null) this.#host.clearTimer(this.#timer);
    this.#timer = null;
  }
}
