// Plays a walk by asking for one picture after another: never two at once, never more a second than are seen.

import { Newest } from "./newest.js";

const PICTURES_PER_SECOND = 24;

/**
 * @typedef {object} PlayerHost
 * @property {(at: number) => Promise<void>} draw asks for the picture after so many seconds and shows it
 * @property {() => { length: number, loop: boolean }} span seconds of the walk, and whether it goes round
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
  /** Which time it plays: what an earlier one left behind does not go on. */ #run = 0;
  /** Where and when the clock of the walk was set. */ #from = 0;
  #began = 0;
  /** When a picture was last asked for while playing. */ #last = -Infinity;

  /** @param {PlayerHost} host */
  constructor(host) {
    this.#host = host;
    this.#asking = new Newest((/** @type {number} */ at) => this.#draw(at));
  }

  /** The picture there; of several that are asked for meanwhile the newest. @param {number} at seconds */
  seek(at) {
    this.#from = at;
    this.#began = this.#host.now();
    this.#show(at);
  }

  /** On from where it is; from the beginning where it is at the end. */
  play() {
    const { length } = this.#host.span();
    if (this.#playing || length <= 0) return;
    this.#problem = "";
    this.#playing = true;
    this.#from = this.#at >= length ? 0 : this.#at;
    this.#began = this.#host.now();
    this.#last = -Infinity;
    this.#step(++this.#run);
  }

  pause() {
    this.#playing = false;
    this.#tell();
  }

  /** @param {number} run */
  #step(run) {
    if (!this.#playing || run !== this.#run) return;
    const { length, loop } = this.#host.span();
    const now = this.#host.now();
    const passed = this.#from + (now - this.#began) / 1000;
    const over = length <= 0 || (!loop && passed >= length);
    if (over) this.#playing = false;
    if (over || (!this.#busy && now - this.#last >= 1000 / PICTURES_PER_SECOND)) {
      this.#last = now;
      this.#show(over ? length : passed % length);
    }
    this.#host.onNextFrame(() => this.#step(run));
  }

  /** @param {number} at */
  #show(at) {
    this.#at = at;
    void this.#asking.ask(at);
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
