// Plays a walk by asking for one picture after another: never two at once, never more a second than are seen.

import { Newest } from "./newest.js";

const PICTURES_PER_SECOND = 24;

/**
 * @typedef {object} PlayerHost
 * @property {(at: number) => Promise<void>} draw asks for the picture after so many seconds and shows it
 * @property {(callback: () => void) => void} onNextFrame
 * @property {() => number} now in milliseconds
 * @property {(news: { playing: boolean, at: number, problem: string }) => void} tell
 */

export class Player {
  #host;
  #asking;
  #playing = false;
  #at = 0;
  #problem = "";
  #busy = false;

  /** @param {PlayerHost} host */
  constructor(host) {
    this.#host = host;
    this.#asking = new Newest((/** @type {number} */ at) => this.#draw(at));
  }

  /** The picture there; of several that are asked for meanwhile the newest. @param {number} at seconds */
  seek(at) {
    this.#at = at;
    void this.#asking.ask(at);
    this.#tell();
  }

  /**
   * On from where it is; from the beginning where it is at the end.
   * @param {number} length
   * @param {boolean} loop
   */
  play(length, loop) {
    if (this.#playing || length <= 0) return;
    this.#problem = "";
    this.#playing = true;
    if (this.#at >= length) this.#at = 0;
    const from = this.#at;
    const began = this.#host.now();
    let last = -Infinity;
    const step = () => {
      if (!this.#playing) return;
      const now = this.#host.now();
      const passed = from + (now - began) / 1000;
      const over = !loop && passed >= length;
      if (over || (!this.#busy && now - last >= 1000 / PICTURES_PER_SECOND)) {
        last = now;
        this.#at = over ? length : passed % length;
        void this.#asking.ask(this.#at);
        if (over) this.#playing = false;
        this.#tell();
      }
      this.#host.onNextFrame(step);
    };
    this.#tell();
    step();
  }

  pause() {
    this.#playing = false;
    this.#tell();
  }

  /** @param {number} at */
  async #draw(at) {
    this.#busy = true;
    try {
      await this.#host.draw(at);
      if (this.#problem) this.#say("");
    } catch (error) {
      this.#playing = false;
      this.#say(/** @type {Error} */ (error).message);
    } finally {
      this.#busy = false;
    }
  }

  /** @param {string} problem */
  #say(problem) {
    this.#problem = problem;
    this.#tell();
  }

  #tell() {
    this.#host.tell({ playing: this.#playing, at: this.#at, problem: this.#problem });
  }
}
