// Pictures of many documents, asked for two at a time in the order in which they are wanted.

/** @import { LoomDocument } from "./messages.js" */

/** Enough that the server always has one to do, few enough that an edit's picture never waits for long. */
const AT_ONCE = 2;

/**
 * @typedef {{ key: string, document: LoomDocument }} Wanted
 * @typedef {{ url: string, problem: string }} Tile url: of the picture, empty while it is not there; problem:
 *   why it will not be
 */

/** @type {Tile} */
const COMING = Object.freeze({ url: "", problem: "" });

export class Tiles {
  #draw;
  #onChange;
  /** @type {Wanted[]} */ #wanted = [];
  /** @type {Map<string, Tile>} */ #tiles = new Map();
  #underWay = new Set();

  /**
   * @param {(document: LoomDocument) => Promise<string>} draw gives the URL of an object
   * @param {() => void} onChange a tile is there, or will not be
   */
  constructor(draw, onChange) {
    this.#draw = draw;
    this.#onChange = onChange;
  }

  /** These and no others; what is there already stays. @param {Wanted[]} wanted */
  want(wanted) {
    this.#wanted = wanted;
    const keys = new Set(wanted.map(({ key }) => key));
    for (const key of this.#tiles.keys()) if (!keys.has(key)) this.#drop(key);
    this.#next();
  }

  /** @param {string} key */
  get(key) {
    return this.#tiles.get(key) ?? COMING;
  }

  /** How many are there, or failed. */
  get done() {
    return this.#tiles.size;
  }

  /** Asks again for those that failed. */
  retry() {
    for (const [key, { problem }] of this.#tiles) if (problem) this.#tiles.delete(key);
    this.#onChange();
    this.#next();
  }

  /** Nobody looks any more. */
  close() {
    this.want([]);
  }

  #next() {
    for (const { key, document } of this.#wanted) {
      if (this.#underWay.size >= AT_ONCE) return;
      if (!this.#tiles.has(key) && !this.#underWay.has(key)) void this.#load(key, document);
    }
  }

  /** @param {string} key @param {LoomDocument} document */
  async #load(key, document) {
    this.#underWay.add(key);
    let tile;
    try {
      tile = { url: await this.#draw(document), problem: "" };
    } catch (error) {
      tile = { url: "", problem: /** @type {Error} */ (error).message };
    }
    this.#underWay.delete(key);
    this.#tiles.set(key, tile);
    if (this.#wanted.some((each) => each.key === key)) this.#onChange();
    else this.#drop(key);
    this.#next();
  }

  /** @param {string} key */
  #drop(key) {
    const url = this.#tiles.get(key)?.url;
    if (url) URL.revokeObjectURL(url);
    this.#tiles.delete(key);
  }
}
