// Gets the pictures that the edited one is compared with: while a key is held, under a wipe, or side by side.

import * as api from "./api.js";
import { beforeOf, canCompare } from "./comparing.js";
import { Newest } from "./newest.js";

/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

export class Comparer {
  #store;
  #screen;
  #report;
  /** What the layers show, or will: of two that are asked for at once the newer one. */
  #wanted = { before: "", photo: "" };
  #following = new Newest(() => this.#follow());

  /** @param {Store} store @param {Screen} screen @param {(error: unknown) => void} report */
  constructor(store, screen, report) {
    this.#store = store;
    this.#screen = screen;
    this.#report = report;
    store.subscribe(() => {
      const { comparison, gesture, picture } = store.get();
      if (comparison.mode !== "off" && !gesture?.held && picture !== "loading")
        void this.#following.ask(null);
    });
  }

  /**
   * Shows another picture for as long as a key or button is held; null: back to the edit.
   * @param {"before" | "photo" | null} what
   * @param {string} [url] of the photo's crop
   */
  async hold(what, url = "") {
    const { document, comparing } = this.#store.get();
    if (!document || comparing === what) return;
    this.#store.dispatch({ type: "comparing", comparing: what });
    try {
      if (what === "before") await this.#before();
      if (what === "photo") await this.#show("photo", url, () => api.fileAt(url));
    } catch (error) {
      this.#store.dispatch({ type: "comparing", comparing: null });
      this.#report(error);
    }
  }

  /** The picture before, after whatever changed it. */
  async #follow() {
    try {
      if (canCompare(this.#store.get())) await this.#before();
    } catch (error) {
      this.#store.dispatch({ type: "comparison", change: { mode: "off" } });
      this.#report(error);
    }
  }

  async #before() {
    const before = beforeOf(this.#store.get());
    if (before) await this.#show("before", JSON.stringify(before), () => api.render(before, null, "png"));
  }

  /** @param {"before" | "photo"} layer @param {string} key @param {() => Promise<Blob>} get */
  async #show(layer, key, get) {
    if (this.#wanted[layer] === key) return;
    this.#screen.remove(layer);
    this.#wanted[layer] = key;
    try {
      const picture = await createImageBitmap(await get());
      if (this.#wanted[layer] === key) this.#screen.put(layer, picture);
      else picture.close();
    } catch (error) {
      if (this.#wanted[layer] !== key) return;
      this.#wanted[layer] = "";
      throw error;
    }
  }
}
