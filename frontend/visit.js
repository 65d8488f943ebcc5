// What outlives the page: the session this browser works in, and its document, kept on the server.

import * as api from "./api.js";

/** @import { Store } from "./state.js" */

const SESSION_KEY = "latent-loom.session";
const SAVE_AFTER_MS = 250;
/** Answers to asking for a session by which the server says that it has none of that name. */
const UNKNOWN = [404, 422];
/** Why a document is not kept that the missing picture says already. */
const SAID_BY_PICTURE = ["model_preparing", "model_unavailable"];

export class Visit {
  #store;
  #report;
  /** @type {number | undefined} */ #timer;
  #unsaved = false;

  /** @param {Store} store @param {(error: unknown) => void} report */
  constructor(store, report) {
    this.#store = store;
    this.#report = report;
  }

  /**
   * The session's id, of a new one if need be. The document being edited goes along.
   * @param {number} attempt 0: trust the remembered id. A refused socket does not say why in every
   *   browser, so
   * later attempts ask over HTTP first.
   */
  async session(attempt) {
    const known = localStorage.getItem(SESSION_KEY);
    if (known && (attempt === 0 || (await exists(known)))) return known;
    const created = await api.createSession();
    const { document } = this.#store.get();
    if (document) await api.saveDocument(created.id, document);
    localStorage.setItem(SESSION_KEY, created.id);
    this.#store.dispatch({ type: "session", ...created });
    return created.id;
  }

  forgetSession() {
    localStorage.removeItem(SESSION_KEY);
  }

  /** Photos and jobs as the server has them. @param {string} id */
  async refresh(id) {
    try {
      const { document, photos, jobs } = await api.session(id);
      this.#store.dispatch({ type: "session", id, document, photos, jobs });
    } catch (error) {
      this.#report(error);
    }
  }

  /** The document changed: it is kept once nothing changes for a moment. */
  saveSoon() {
    this.#unsaved = true;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.save(), SAVE_AFTER_MS);
  }

  /** While the connection is lost nothing is sent; the next hello makes up for it. */
  async save() {
    clearTimeout(this.#timer);
    const { session, document, connection } = this.#store.get();
    if (!this.#unsaved || !session || !document || connection.phase !== "open") return;
    this.#unsaved = false;
    try {
      await api.saveDocument(session, document);
    } catch (error) {
      this.#unsaved = true;
      const said = error instanceof api.ProblemError && SAID_BY_PICTURE.includes(error.code);
      if (!said) this.#report(error);
    }
  }
}

/** @param {string} session */
async function exists(session) {
  try {
    await api.session(session);
    return true;
  } catch (error) {
    if (error instanceof api.ProblemError && UNKNOWN.includes(error.status)) return false;
    throw error;
  }
}
