// Keeps the history on the server, and learns what other pages of the session have made of it.

import * as api from "./api.js";
import { Newest } from "./newest.js";
import { allUnsent, unsent } from "./history_unsent.js";
import { leaveBehind, leftAs, takeLeft } from "./left_steps.js";

/** @import { Store } from "./state.js" */
/** @import { Left } from "./left_steps.js" */
/** @import { TreeEvent } from "./history.js" */

const SEND_AFTER_MS = 250;
/** Answers that mean: not this node, whenever it is sent. */
const REFUSALS = [404, 409, 413, 422];

export class Remembering {
  #store;
  #report;
  #sending = new Newest(() => this.#sendAll());
  #reading = new Newest((/** @type {string} */ session) => this.#read(session));
  #others = new BroadcastChannel("latent-loom.history");
  /** @type {number | undefined} */ #timer;
  /** Under which name this page leaves what could not be sent. */ #left = leftAs(newId());
  /** Where the server was told that the session stands. @type {string | null} */ #told = null;

  /** @param {Store} store @param {(error: unknown) => void} report */
  constructor(store, report) {
    this.#store = store;
    this.#report = report;
    this.#others.onmessage = ({ data }) => data === store.get().session && this.read();
    addEventListener("focus", () => void this.read());
  }

  /** Once nothing changes for a moment. */
  soon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.now(), SEND_AFTER_MS);
  }

  /** Sends what the server has not got; while the connection is lost the next hello is the time for it. */
  now() {
    clearTimeout(this.#timer);
    return this.#sending.ask(null);
  }

  /** The connection is there, perhaps again: first what this page has made, then what others have. */
  async meet() {
    const { session, history } = this.#store.get();
    this.#told ??= history.current;
    await this.now();
    await this.read();
    if (!history.whole) this.#takeUp(takeLeft(localStorage, session));
    localStorage.removeItem(this.#left);
  }

  /** What pages made that were closed without a connection. @param {Left[]} left */
  #takeUp(left) {
    for (const { nodes, current } of left) this.#tell({ type: "restored", nodes, current });
    if (left.length) void this.now();
  }

  /** Learns what other pages have made. */
  async read() {
    const { session, connection } = this.#store.get();
    if (session && connection.phase === "open") await this.#reading.ask(session);
  }

  /** The page is being closed: what is sent now has to go at once. */
  leave() {
    const { session, history, connection } = this.#store.get();
    const { nodes, current } = unsent(history, null);
    if (!session || !current || (!nodes.length && current === this.#told)) return;
    if (connection.phase !== "open") return leaveBehind(localStorage, this.#left, { session, ...allUnsent(history) });
    api.extendHistory(session, { nodes, current }).catch(() => undefined); // nobody is left to be told
  }

  /** @param {string} node @param {string} name */
  name(node, name) {
    return this.#change({ type: "named", node, name }, (session) => api.nameNode(session, node, name));
  }

  /** With all that came of it. @param {string} node */
  cut(node) {
    return this.#change({ type: "cut", node }, (session) => api.deleteBranch(session, node));
  }

  /**
   * The server first: a page that cannot ask leaves everything as it is.
   * @param {TreeEvent & { node: string }} event
   * @param {(session: string) => Promise<unknown>} ask
   */
  async #change(event, ask) {
    await this.now();
    const { session, history } = this.#store.get();
    if (!session) return;
    try {
      if (history.nodes[event.node]?.fate === "kept") await ask(session);
      this.#tell(event);
      this.#others.postMessage(session);
    } catch (error) {
      this.#report(error);
    }
  }

  /** @param {TreeEvent} event */
  #tell(event) {
    this.#store.dispatch({ type: "tree", event });
  }

  async #sendAll() {
    let most = 64;
    for (;;) {
      const { session, history, gesture, connection } = this.#store.get();
      const { nodes, current } = unsent(history, gesture ? history.current : null, most);
      if (!session || !current || connection.phase !== "open") return;
      if (!nodes.length && current === this.#told) return;
      const ids = nodes.map(({ id }) => id);
      try {
        const { removed } = await api.extendHistory(session, { nodes, current });
        this.#told = current;
        this.#tell({ type: "kept", nodes: ids, removed });
        if (ids.length) this.#others.postMessage(session);
      } catch (error) {
        const code = error instanceof api.ProblemError ? error.code : "";
        const refused = error instanceof api.ProblemError && REFUSALS.includes(error.status);
        if (code === "unknown_node" && most > 1) {
          most = 1; // another page deleted where these belong; what is needed of that is sent again
          await this.#read(session);
        } else if (refused && nodes.length > 1) most = 1;
        else if (refused && nodes.length) {
          this.#tell({ type: "refused", node: ids[0] });
          this.#report(error);
        } else return this.#report(error);
      }
    }
  }

  /** @param {string} session */
  async #read(session) {
    try {
      this.#tell({ type: "read", history: await api.editHistory(session) });
    } catch (error) {
      this.#report(error);
    }
  }
}

/** A random UUID; unlike crypto.randomUUID also where the page comes over plain http. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
