// The HTTP side: one function per route; every failure is a ProblemError that can be shown as it is.

import { message, spoken } from "./kept_text.js";
import { isEditLink } from "./link.js";

/** @import { About, Anchors, AnyModel, EditHistory, History, HistoryNode, Job, LoomDocument, NewHistoryNode, Photo, Problem, SearchSettings, Session } from "./messages.js" */

/** @import { KeptText } from "./kept_text.js" */
/** A problem of the server's, or the page's own. @typedef {Pick<Problem, "code" | "status"> & { title?: KeptText, detail?: KeptText, hint?: KeptText }} AnyProblem */

/** An answer of type application/problem+json, or the reason why there was none. */
export class ProblemError extends Error {
  /** @param {AnyProblem} problem */
  constructor(problem) {
    super(spoken(problem.detail ?? problem.title ?? message("error.request")));
    this.title = titleOf(problem);
    this.detail = problem.detail ?? "";
    this.hint = problem.hint ?? "";
    this.code = problem.code ?? "";
    this.status = problem.status ?? 0;
  }
}

/** Whatever was thrown, as something that can be shown. @param {unknown} error */
export const asProblem = (error) =>
  error instanceof ProblemError ? error : new ProblemError({ detail: String(error) });

/** Pixels of a preview: sharp at the size it is shown, and quickly made. */
const CROP_SIDE = 256;

/**
 * What it is called in the reader's language; the detail is the server's own.
 * @param {AnyProblem} problem
 * @returns {KeptText}
 */
export const titleOf = ({ code, title }) => ({
  term: `problem.${code}`,
  own: title ?? message("error.title"),
});

/** @type {AnyProblem} */
const UNREACHABLE = {
  code: "unreachable",
  title: message("error.unreachable"),
  detail: message("error.unsent"),
  hint: message("error.unreachableHint"),
};

const ROOT = "/api/v1";

/**
 * @param {string} path below /api/v1
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function request(path, init) {
  let response;
  try {
    response = await fetch(ROOT + path, init);
  } catch {
    throw new ProblemError(UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === 401) goToLogin();
  throw new ProblemError(await problemOf(response));
}

/** Comes back to this page, with the edit that its address carries. */
function goToLogin() {
  const { pathname, hash } = location;
  location.replace(`/login.html?next=${encodeURIComponent(pathname)}${isEditLink(hash) ? hash : ""}`);
}

/** @param {Response} response @returns {Promise<AnyProblem>} */
async function problemOf(response) {
  const fallback = {
    title: message("error.refused"),
    detail: message("error.answered", { status: String(response.status) }),
    status: response.status,
  };
  if (!response.headers.get("content-type")?.includes("json")) return fallback;
  try {
    const body = await response.json();
    return { ...fallback, ...body };
  } catch {
    return fallback;
  }
}

/** @param {string} method @param {unknown} body @returns {RequestInit} */
export const json = (method, body) => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** @template T @param {string} path @param {RequestInit} [init] @returns {Promise<T>} */
export const read = async (path, init) => (await request(path, init)).json();

/** What the server named by its whole address. @param {string} url @returns {Promise<Blob>} */
export const fileAt = async (url) => (await request(url.slice(ROOT.length))).blob();

/** @returns {Promise<About>} */
export const about = () => read("/about");

/** @returns {Promise<AnyModel[]>} */
export const models = () => read("/models");

/** Looks at all of them again. @returns {Promise<AnyModel[]>} */
export const refreshModels = () => read("/models/refresh", { method: "POST" });

/** @returns {Promise<Session>} */
export const createSession = () => read("/sessions", { method: "POST" });

/** @param {string} id @returns {Promise<Session>} */
export const session = (id) => read(`/sessions/${id}`);

/** With all that is in it, for good. @param {string} id @returns {Promise<Response>} */
export const deleteSession = (id) => request(`/sessions/${id}`, { method: "DELETE" });

/** @param {string} id of the session @returns {Promise<EditHistory>} */
export const editHistory = (id) => read(`/sessions/${id}/history`);

/**
 * Adds nodes and stands on one; goes through even while the page is closing. The answer: which made room.
 * @param {string} id
 * @param {{ nodes: NewHistoryNode[], current: string }} extension
 * @returns {Promise<{ removed: string[] }>}
 */
export const extendHistory = (id, extension) =>
  read(`/sessions/${id}/history`, { ...json("POST", extension), keepalive: true });

/** @param {string} id @param {string} node @param {string} name @returns {Promise<HistoryNode>} */
export const nameNode = (id, node, name) => read(`/sessions/${id}/history/${node}`, json("PATCH", { name }));

/** With all that came of it. @param {string} id @param {string} node @returns {Promise<Response>} */
export const deleteBranch = (id, node) => request(`/sessions/${id}/history/${node}`, { method: "DELETE" });

/** @param {string} id @param {File} file @returns {Promise<Photo>} */
export function uploadPhoto(id, file) {
  const body = new FormData();
  body.append("file", file, file.name || "photo");
  return read(`/sessions/${id}/photos`, { method: "POST", body });
}

/** @param {string} photo @param {Anchors} anchors @returns {Promise<Photo>} */
export const alignPhoto = (photo, anchors) => read(`/photos/${photo}/alignment`, json("PUT", { anchors }));

/** The aligned face, small. @param {string} photo @param {Anchors} anchors @returns {Promise<Blob>} */
export async function crop(photo, { left_eye, right_eye, mouth }) {
  const points = [left_eye, right_eye, mouth].flat().map((value) => value.toFixed(1));
  return (await request(`/photos/${photo}/crop?size=${CROP_SIDE}&anchors=${points}`)).blob();
}

/**
 * The whole photo with the document's face in it.
 * @param {string} photo
 * @param {{ document: LoomDocument, job: string }} what
 */
export const putBack = async (photo, what) =>
  (await request(`/photos/${photo}/put-back`, json("POST", what))).blob();

/**
 * @param {string} id
 * @param {SearchSettings & { photo: string, model: string } & ({ anchors: Anchors } | { face: number })} task
 * @returns {Promise<Job>}
 */
export const startProjection = (id, task) => read(`/sessions/${id}/projections`, json("POST", task));

/** A new search from where one ended. @param {string} job @param {SearchSettings} how @returns {Promise<Job>} */
export const continueJob = (job, how) => read(`/jobs/${job}/continue`, json("POST", how));

/** @param {string} job @param {"pause" | "resume" | "cancel"} what @returns {Promise<Job>} */
export const tellJob = (job, what) => read(`/jobs/${job}/${what}`, { method: "POST" });

/** Curve and pictures of a search so far. @param {string} job @returns {Promise<History>} */
export const history = (job) => read(`/jobs/${job}/history`);

/**
 * @param {LoomDocument} document
 * @param {number | null} resolution null: the model's own
 * @param {"png" | "jpeg"} format
 * @returns {Promise<Blob>}
 */
export async function render(document, resolution, format) {
  const response = await request("/render", json("POST", { document, resolution, format }));
  return response.blob();
}
