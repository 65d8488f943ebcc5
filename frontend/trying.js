// What a change would give, shown while the pointer rests on it; the document stays as it is.

import { render } from "./api.js";
import { Newest } from "./newest.js";
import { modelOf } from "./selectors.js";

/** @import { LoomDocument } from "./messages.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

/** A pointer on its way elsewhere does not rest. */
const REST_MS = 80;
const LARGEST_SIDE = 256;

export class Trial {
  #store;
  #screen;
  #newest = new Newest((/** @type {number} */ turn) => this.#draw(turn));
  #turn = 0;
  /** @type {LoomDocument | null} */ #wanted = null;

  /** @param {Store} store @param {Screen} screen */
  constructor(store, screen) {
    this.#store = store;
    this.#screen = screen;
  }

  /** Shows a document instead of the one being edited. @param {LoomDocument} document */
  show(document) {
    this.#wanted = document;
    const turn = ++this.#turn;
    setTimeout(() => void (turn === this.#turn && this.#newest.ask(turn)), REST_MS);
  }

  /** The document being edited is shown again. */
  leave() {
    this.#wanted = null;
    this.#turn += 1;
    this.#tell(false);
  }

  /** @param {number} turn */
  async #draw(turn) {
    const document = this.#wanted;
    const model = modelOf(this.#store.get());
    if (turn !== this.#turn || !document || !model) return;
    try {
      const side = Math.min(LARGEST_SIDE, model.img_resolution);
      const picture = await createImageBitmap(await render(document, side, "jpeg"));
      if (turn !== this.#turn) return picture.close();
      this.#screen.put("trial", picture);
      this.#tell(true);
    } catch {
      this.#tell(false); // a look that fails is none; the same failure of the document is told in full
    }
  }

  /** @param {boolean} trying */
  #tell(trying) {
    if (this.#store.get().mixing.trying !== trying) this.#store.dispatch({ type: "mixing", change: { trying } });
  }
}
