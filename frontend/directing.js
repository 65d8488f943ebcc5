// Directions beside the attributes: those saved for the model, and searching, trying and importing others.

import { asProblem } from "./api.js";
import * as api from "./edits_api.js";
import { withDirection } from "./edits.js";
import { modelOf } from "./selectors.js";
import { follow, isUnderWay } from "./tasks.js";

/** @import { Candidate, Direction, Layers, SampleRequest, SearchMethod, Task } from "./editing_messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Store } from "./state.js" */

const wait = (/** @type {number} */ ms) => new Promise((done) => void setTimeout(done, ms));

export class Directing {
  #store;
  #editor;
  #asked = "";

  /** @param {Store} store @param {Editor} editor */
  constructor(store, editor) {
    this.#store = store;
    this.#editor = editor;
    store.subscribe(() => void this.#follow());
  }

  /**
   * Another model, or one that can be used by now: its directions and layer rules. Where that failed, again
   * after the next connection.
   */
  async #follow() {
    const state = this.#store.get();
    const model = modelOf(state);
    const { directions, rules } = state.tools;
    const isKnown = directions?.model === this.#asked && (rules?.model === this.#asked || !model?.editable);
    if (state.connection.phase === "lost" && !isKnown) this.#asked = "";
    if (!model || this.#asked === model.name || state.picture === "loading") return;
    if (state.connection.phase !== "open") return;
    this.#asked = model.name;
    try {
      this.#show(model.name, await api.directions(model.name));
      const rules = model.editable ? await api.layerRules(model.name) : null;
      if (rules) this.#store.dispatch({ type: "rules", rules: { ...rules, model: model.name } });
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /** Something else has added directions. */
  reload() {
    this.#asked = "";
    void this.#follow();
  }

  /** @param {string} model @param {Direction[]} saved */
  #show(model, saved) {
    if (model === this.#asked) this.#tools({ directions: { model, saved } });
  }

  /** @param {Partial<import("./state.js").EditTools>} change */
  #tools(change) {
    this.#store.dispatch({ type: "tools", change });
  }

  /** @param {"search" | "request" | null} dialog */
  open(dialog) {
    this.#tools({ dialog, refusal: null });
  }

  /**
   * Does something for a dialog, which shows why it failed.
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T | null>}
   */
  async #attempt(act) {
    this.#tools({ refusal: null });
    try {
      return await act();
    } catch (error) {
      const { title, detail, hint } = asProblem(error);
      this.#tools({ refusal: { title, detail, hint } });
      return null;
    }
  }

  /** @param {SearchMethod} method @param {number[] | null} layers @param {number} count */
  search(method, layers, count) {
    return this.#run("search", (model) => api.searchDirections(model, { method, layers, count }));
  }

  /** New faces with these attributes. @param {Omit<SampleRequest, "model">} wanted */
  request(wanted) {
    const { session } = this.#store.get();
    if (!session) return undefined;
    this.#tools({ wished: Object.keys(wanted.attributes) });
    return this.#run("request", (model) => api.requestFaces(session, { ...wanted, model }));
  }

  /** @param {"search" | "request"} which @param {(model: string) => Promise<Task>} start */
  async #run(which, start) {
    const model = modelOf(this.#store.get());
    const task = model && (await this.#attempt(() => start(model.name)));
    if (!task) return;
    await this.#attempt(() => this.#watch(which, task));
    const { [which]: last } = this.#store.get().tools;
    if (last?.id === task.id && isUnderWay(last)) this.#tools({ [which]: null }); // it was lost sight of
  }

  /** @param {"search" | "request"} which @param {Task} task */
  async #watch(which, task) {
    this.#tools({ [which]: task });
    await follow(task, {
      look: api.task,
      wait,
      tell: (news) => {
        const wanted = this.#store.get().tools[which]?.id === task.id;
        if (wanted) this.#tools({ [which]: news });
        return wanted;
      },
    });
  }

  /** @param {Task} task */
  cancel(task) {
    return this.#attempt(() => api.cancelTask(task.id));
  }

  /**
   * Keeps a candidate as a slider of the model.
   * @param {Task} task
   * @param {Candidate} candidate
   * @param {{ name: string, layers: number[], minimum: number, maximum: number }} as
   */
  async save(task, candidate, as) {
    const direction = { task: task.id, candidate: candidate.index, ...as };
    return this.#added(task.model, () => api.saveDirection(task.model, direction));
  }

  /** @param {File} file @param {{ name: string, space: string, layers: string }} fields */
  async import(file, fields) {
    const model = modelOf(this.#store.get())?.name ?? "";
    return this.#added(model, () => api.importDirection(model, file, fields));
  }

  /** @param {string} model @param {() => Promise<Direction>} add whether it was added */
  async #added(model, add) {
    const direction = await this.#attempt(add);
    if (!direction) return false;
    this.#change(model, (saved) => [...saved.filter(({ id }) => id !== direction.id), direction]);
    return true;
  }

  /** @param {Direction} direction @param {string} name */
  rename(direction, name) {
    return this.#told(
      () => api.changeDirection(direction.id, { name }),
      (saved) => saved.map((each) => (each.id === direction.id ? { ...each, name } : each)),
    );
  }

  /**
   * The document lets go of it first: without it there would be no picture. So does what the history still
   * has to send: the server takes no step that names what is not there.
   * @param {Direction} direction
   */
  async remove(direction) {
    const { document } = this.#store.get();
    if (document) this.#editor.change(withDirection(document, direction.id, 0));
    await this.#editor.remembering.now();
    await this.#told(
      () => api.deleteDirection(direction.id),
      (saved) => saved.filter(({ id }) => id !== direction.id),
    );
  }

  /** The server first. @param {() => Promise<unknown>} ask @param {(saved: Direction[]) => Direction[]} after */
  async #told(ask, after) {
    const model = this.#store.get().tools.directions?.model;
    try {
      await ask();
      if (model) this.#change(model, after);
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /** What is known by now of a model's directions. @param {string} model @param {(saved: Direction[]) => Direction[]} after */
  #change(model, after) {
    const { directions } = this.#store.get().tools;
    if (directions?.model === model) this.#tools({ directions: { model, saved: after(directions.saved) } });
  }

  /** Keeps layer rules for the model; none: back to its own. @param {Layers} layers */
  async keepLayers(layers) {
    const { rules } = this.#store.get().tools;
    if (!rules) return;
    const { model } = rules;
    try {
      this.#store.dispatch({ type: "rules", rules: { ...(await api.keepLayers(model, layers)), model } });
    } catch (error) {
      this.#editor.report(error);
    }
  }
}
