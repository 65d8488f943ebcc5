// From a photo to its face: uploading, starting and cancelling a projection, taking the face over.

import * as api from "./api.js";
import { foundFace } from "./document.js";
import { isOver, modelOf, titleOf } from "./selectors.js";

/** @import { Job, ServerMessage } from "./messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

export class Projecting {
  #store;
  #editor;
  #screen;

  /** @param {Store} store @param {Editor} editor @param {Screen} screen */
  constructor(store, editor, screen) {
    this.#store = store;
    this.#editor = editor;
    this.#screen = screen;
    editor.onMessage = (message) => this.#onMessage(message);
    editor.onRelease = () => this.#takeOver();
  }

  /** @param {File} file */
  async upload(file) {
    const { session } = this.#store.get();
    const name = file.name || "photo";
    const fail = (/** @type {api.ProblemError} */ { title, detail, hint }) =>
      this.#store.dispatch({ type: "upload", upload: { phase: "failed", name, title, detail, hint } });
    this.#store.dispatch({ type: "upload", upload: { phase: "sending", name } });
    try {
      if (!session)
        throw new api.ProblemError({ title: "Not connected yet", hint: "Try again in a moment." });
      this.#store.dispatch({ type: "photo-added", photo: await api.uploadPhoto(session, file) });
    } catch (error) {
      fail(error instanceof api.ProblemError ? error : new api.ProblemError({ detail: String(error) }));
      this.#editor.report(error);
    }
  }

  /** @param {string} photo @param {number} face @param {number} steps */
  async start(photo, face, steps) {
    const state = this.#store.get();
    const model = modelOf(state);
    if (!state.session || !model) return;
    try {
      const job = await api.startProjection(state.session, { photo, face, model: model.name, steps });
      this.#screen.remove("projection");
      this.#store.dispatch({ type: "awaiting", job: job.id });
      this.#store.dispatch({ type: "job", job });
      this.#store.dispatch({ type: "view", view: "projection" });
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /** @param {Job} job */
  async cancel(job) {
    try {
      this.#store.dispatch({ type: "job", job: await api.cancelJob(job.id) });
      this.#takeOver();
    } catch (error) {
      const finished = error instanceof api.ProblemError && error.code === "already_finished";
      if (!finished) this.#editor.report(error);
    }
  }

  /** The job's face becomes the document; undo brings the one before back. @param {Job} job */
  use(job) {
    if (job.latent) this.#editor.change(foundFace(job.model, job.latent));
  }

  /** @param {ServerMessage} message */
  #onMessage(message) {
    if (message.type === "job") this.#store.dispatch({ type: "job", job: message.job });
    if (message.type === "job" || message.type === "hello") this.#takeOver();
  }

  /**
   * When the awaited job is over: its face, or the reason why there is none. Never under a moving hand, nor
   * out of the model that was chosen meanwhile.
   */
  #takeOver() {
    const { jobs, awaiting, gesture, document, models } = this.#store.get();
    const job = jobs.find(({ id }) => id === awaiting);
    if (!job || !isOver(job) || gesture?.held) return;
    this.#store.dispatch({ type: "awaiting", job: null });
    if (job.state === "succeeded" && job.model === document?.model) this.use(job);
    else if (job.state === "succeeded") {
      const model = models.find(({ name }) => name === job.model);
      this.#store.dispatch({
        type: "toast",
        tone: "info",
        title: "The face was found",
        detail: `It is a face of the model ${model ? titleOf(model) : job.model}.`,
        hint: "“Use this face” in the Photo panel goes there.",
      });
    }
    if (job.state === "failed") {
      const detail = job.error?.detail ?? "";
      const hint = "The photo and your edits are as they were; try again.";
      this.#store.dispatch({
        type: "toast",
        tone: "error",
        title: "The face could not be found",
        detail,
        hint,
      });
    }
  }
}
