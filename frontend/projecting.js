// From a photo to its face: uploading, aligning, starting and steering a search, taking the face over.

import * as api from "./api.js";
import { sameAnchors } from "./alignment.js";
import { foundFace, latentBase } from "./document.js";
import { save } from "./download.js";
import { message as kept } from "./kept_text.js";
import { Newest } from "./newest.js";
import { nextStep } from "./progress.js";
import { faceOf, isOver, jobOf, modelOf, titleOf } from "./selectors.js";

/** @import { Anchors, Job, LoomDocument, Photo, Rung, ServerMessage } from "./messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Store } from "./state.js" */

/** How often in a search its curve and film strip are asked for anew. */
const LOOKS = 12;

export class Projecting {
  #store;
  #editor;
  #screen;
  #aligning;
  #looking;
  /** Up to where the curve and film strip of each search are known. @type {Map<string, string>} */ #seen =
    new Map();

  /** @param {Store} store @param {Editor} editor @param {Screen} screen */
  constructor(store, editor, screen) {
    this.#store = store;
    this.#editor = editor;
    this.#screen = screen;
    this.#aligning = new Newest((/** @type {{ photo: Photo, anchors: Anchors }} */ task) => this.#keep(task));
    this.#looking = new Newest((/** @type {Job} */ job) => this.#look(job));
    editor.onMessage = (message) => this.#onMessage(message);
    editor.onRelease = () => this.#takeOver();
    store.subscribe(() => this.#onChange());
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
        throw new api.ProblemError({ title: kept("error.notConnected"), hint: kept("error.inAMoment") });
      this.#store.dispatch({ type: "photo-added", photo: await api.uploadPhoto(session, file) });
    } catch (error) {
      fail(api.asProblem(error));
      this.#editor.report(error);
    }
  }

  /** @param {string} photo */
  choose(photo) {
    this.#screen.remove("projection");
    this.#store.dispatch({ type: "photo-chosen", photo });
  }

  /** An anchor moves under the hand. @param {Photo} photo @param {Anchors} anchors */
  move(photo, anchors) {
    this.#store.dispatch({ type: "anchors", photo: photo.id, anchors });
  }

  /**
   * The hand lets go of the anchors, which the server keeps.
   * @param {Photo} photo
   * @param {Anchors} anchors
   */
  place(photo, anchors) {
    void this.#aligning.ask({ photo, anchors });
  }

  /** @param {{ photo: Photo, anchors: Anchors }} task */
  async #keep({ photo, anchors }) {
    try {
      const answer = await api.alignPhoto(photo.id, anchors);
      this.#store.dispatch({ type: "aligned", photo: answer, asked: anchors });
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /**
   * The anchors as they were detected on one of the photo's faces.
   * @param {Photo} photo
   * @param {number} face
   */
  reset(photo, face) {
    const { anchors } = photo.faces[face].alignment;
    this.move(photo, anchors);
    this.place(photo, anchors);
  }

  /** A search of the photo's face, as the ladder is set. @param {Photo} photo */
  async start(photo) {
    const { session, search, ...state } = this.#store.get();
    const model = modelOf({ ...state, session, search });
    if (!session || !model) return;
    const { anchors } = photo.alignment;
    const face = faceOf(photo);
    const detected = face !== null && sameAnchors(anchors, photo.faces[face].alignment.anchors);
    const where = detected ? { face } : { anchors };
    await this.#begin(() =>
      api.startProjection(session, { photo: photo.id, model: model.name, ...search, ...where }),
    );
  }

  /** One more rung, from where a search ended. @param {Job} job @param {Rung} space */
  async goOn(job, space) {
    const { search } = this.#store.get();
    await this.#begin(() => api.continueJob(job.id, { ...search, space }));
  }

  /** @param {() => Promise<Job>} ask */
  async #begin(ask) {
    try {
      const job = await ask();
      this.#screen.remove("projection");
      this.#store.dispatch({ type: "awaiting", job: job.id });
      this.#store.dispatch({ type: "job", job });
      if (!isOver(job)) this.#store.dispatch({ type: "view", view: "projection" });
      this.#takeOver();
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /**
   * What comes of it the socket tells, in its order.
   * @param {Job} job
   * @param {"pause" | "resume" | "cancel"} what
   * @returns {Promise<boolean>} whether the server took it
   */
  async tell(job, what) {
    try {
      await api.tellJob(job.id, what);
      return true;
    } catch (error) {
      const finished = error instanceof api.ProblemError && error.code === "already_finished";
      if (!finished) this.#editor.report(error);
      return finished;
    }
  }

  /** Puts the job's face, as it is edited now, into its photo, as a file. @param {Job} job */
  async putBack(job) {
    const { document, photos } = this.#store.get();
    const edited = document?.base.kind === "latent" && document.base.latent === job.latent;
    if (!job.latent) return;
    try {
      const what = { document: edited ? document : foundFace(job.model, job.latent), job: job.id };
      const name = photos.find(({ id }) => id === job.photo)?.name.replace(/\.[^.]*$/, "") ?? "photo";
      save(await api.putBack(job.photo, what), `${name}-latent-loom.jpg`);
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /** The job's face becomes the document; undo brings the one before back. @param {Job} job */
  use(job) {
    const { document, jobs } = this.#store.get();
    if (job.latent) this.#editor.change(successor(document, job, jobs));
  }

  /** Curve and film strip of the search that is looked at, a few times in its course and at its end. */
  #onChange() {
    const job = jobOf(this.#store.get());
    if (!job || (!job.step && !isOver(job))) return;
    const seen = isOver(job) ? "over" : String(Math.floor((LOOKS * job.step) / Math.max(1, job.total)));
    if (this.#seen.get(job.id) === seen) return;
    this.#seen.set(job.id, seen);
    this.look(job);
  }

  /** Asks for the curve and film strip of a search. @param {Job} job */
  look(job) {
    void this.#looking.ask(job);
  }

  /** @param {Job} job */
  async #look(job) {
    try {
      this.#store.dispatch({ type: "history", job: job.id, history: await api.history(job.id) });
    } catch {
      this.#seen.delete(job.id); // asked for again with the next news; the search itself is not affected
    }
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
    const { jobs, awaiting, gesture, document, models, exploring } = this.#store.get();
    const job = jobs.find(({ id }) => id === awaiting);
    if (!job || !isOver(job) || gesture?.held) return;
    this.#store.dispatch({ type: "awaiting", job: null });
    if (job.state === "succeeded" && job.model === document?.model && !exploring.locked) this.use(job);
    else if (job.state === "succeeded") {
      const model = models.find(({ name }) => name === job.model);
      this.#store.dispatch({
        type: "toast",
        tone: "info",
        title: kept("outcome.foundTitle"),
        detail: kept("outcome.foundIn", { model: model ? titleOf(model) : job.model }),
        hint: kept("outcome.foundHint"),
      });
    }
    if (job.state === "failed") {
      const detail = job.error?.detail ?? "";
      const hint = kept(nextStep(job));
      this.#store.dispatch({
        type: "toast",
        tone: "error",
        title: kept("outcome.notFound"),
        detail,
        hint,
      });
    }
  }
}

/**
 * The document of a found face. A search that went on from the face being edited keeps its edits.
 * @param {LoomDocument | null} document
 * @param {Job} job with a latent
 * @param {Job[]} jobs
 */
function successor(document, job, jobs) {
  const latent = /** @type {string} */ (job.latent);
  const before = jobs.find(({ id }) => id === job.continues)?.latent;
  const base = document?.base;
  if (document && before && base?.kind === "latent" && base.latent === before && document.model === job.model)
    return { ...document, base: latentBase(latent) };
  return foundFace(job.model, latent);
}
