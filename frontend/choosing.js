// Which models there are, and going from one to another.

import * as api from "./api.js";
import { withModel } from "./document.js";
import { listedModel, modelOf, usableModels } from "./selectors.js";

/** @import { AnyModel } from "./messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { State, Store } from "./state.js" */

export class Choosing {
  #store;
  #editor;
  /** @type {State["picture"]} */ #picture;

  /** @param {Store} store @param {Editor} editor */
  constructor(store, editor) {
    this.#store = store;
    this.#editor = editor;
    this.#picture = store.get().picture;
    store.subscribe(() => this.#onChange());
  }

  /** Takes note of what the server has by now. */
  look() {
    return this.#list(api.models);
  }

  /** The same, and gives refused models another chance and replaced files their turn. */
  async refresh() {
    this.#store.dispatch({ type: "refreshing", refreshing: true });
    await this.#list(api.refreshModels);
    this.#store.dispatch({ type: "refreshing", refreshing: false });
  }

  /** The same seed in another model; undo brings the picture before back. @param {string} name */
  choose(name) {
    const { document, keepAttributes, ...state } = this.#store.get();
    const model = usableModels(state).find((each) => each.name === name);
    this.open(false);
    if (document && model && document.model !== name)
      this.#editor.change(withModel(document, model, keepAttributes));
  }

  /** @param {boolean} open whether the list is shown */
  open(open) {
    if (open) void this.look();
    this.#store.dispatch({ type: "chooser", open });
  }

  /** Asks for the picture again; where its model was refused, that gets another chance first. */
  async retry() {
    if (!modelOf(this.#store.get())) await this.refresh();
    this.#editor.retry();
  }

  /** @param {() => Promise<AnyModel[]>} ask */
  async #list(ask) {
    const could = modelOf(this.#store.get()) !== null;
    try {
      this.#store.dispatch({ type: "loaded", models: await ask() });
    } catch (error) {
      this.#editor.report(error);
    }
    const state = this.#store.get();
    if (!could && modelOf(state) && state.picture === "failed") this.#editor.retry();
  }

  /** A picture that came or failed is news of its model: it is loaded now, or refused. */
  #onChange() {
    const state = this.#store.get();
    const { picture } = state;
    if (picture === this.#picture) return;
    this.#picture = picture;
    const listed = listedModel(state);
    const isLoaded = listed !== null && "loaded" in listed && listed.loaded;
    if (picture === "failed" || (picture === "ready" && !isLoaded)) void this.look();
  }
}
