// What outlives the page: the session that this browser works in.

import * as api from "./api.js";

/** @import { Store } from "./state.js" */

const SESSION_KEY = "latent-loom.session";
/** Answers to asking for a session by which the server says that it has none of that name. */
const UNKNOWN = [404, 422];

export class Visit {
  #store;
  #report;

  /** @param {Store} store @param {(error: unknown) => void} report */
  constructor(store, report) {
    this.#store = store;
    this.#report = report;
  }

  /**
   * The session's id, of a new one if need be, which then gets all of the history that there is.
   * @param {number} attempt 0: trust the remembered id. A refused socket does not say why in every
   *   browser, so
   * later attempts ask over HTTP first.
   */
  async session(attempt) {
    const known = localStorage.getItem(SESSION_KEY);
    if (known && (attempt === 0 || (await exists(known)))) return known;
    const created = await api.createSession();
    localStorage.setItem(SESSION_KEY, created.id);
    this.#store.dispatch({ type: "session", ...created });
    return created.id;
  }

  /** Photos and jobs as the server has them. @param {string} id */
  async refresh(id) {
    try {
      this.#store.dispatch({ type: "session", ...(await api.session(id)) });
    } catch (error) {
      this.#report(error);
    }
  }
}

/** The next one is new. */
export function forgetSession() {
  localStorage.removeItem(SESSION_KEY);
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
