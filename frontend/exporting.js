// Taking edits away and bringing them back: pictures with recipes, latents, links; files that are dropped.

import * as api from "./api.js";
import { editCount } from "./edits.js";
import { adopted } from "./exploring.js";
import { save } from "./download.js";
import * as files from "./exporting_api.js";
import { kindOf } from "./file_kinds.js";
import { message } from "./kept_text.js";
import { carriedBy, isEditLink, linkHash } from "./link.js";

/** @import { LatentsRequest, PictureFormat } from "./exporting_messages.js" */
/** @import { KeptText } from "./kept_text.js" */
/** @import { LoomDocument } from "./messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Projecting } from "./projecting.js" */
/** @import { Directing } from "./directing.js" */
/** @import { Store } from "./state.js" */

/** How a picture is exported. @typedef {{ format: PictureFormat, size: number | null, quality: number, recipe: boolean }} PictureSettings */

/** A picture with all it needs to come back, without loss. @type {PictureSettings} */
export const PLAIN_PICTURE = Object.freeze({ format: "png", size: null, quality: 92, recipe: true });
const SUFFIXES = { png: "png", jpeg: "jpg", webp: "webp" };

export class Exporting {
  #store;
  #editor;
  #projecting;
  #directing;

  /** @param {Store} store @param {Editor} editor @param {Projecting} projecting @param {Directing} directing */
  constructor(store, editor, projecting, directing) {
    this.#store = store;
    this.#editor = editor;
    this.#projecting = projecting;
    this.#directing = directing;
  }

  openDialog() {
    this.#store.dispatch({ type: "tools", change: { dialog: "export", refusal: null } });
  }

  get #document() {
    const { document } = this.#store.get();
    if (!document) throw new api.ProblemError({ title: message("error.notConnected"), hint: message("error.inAMoment") });
    return document;
  }

  /** The picture as a file. Throws a ProblemError. @param {PictureSettings} settings */
  async picture(settings) {
    const document = this.#document;
    save(await files.exportPicture({ document, ...settings }), fileName(document, SUFFIXES[settings.format]));
  }

  /** The same with one press, and told as a notice where it fails. */
  async download() {
    try {
      await this.picture(PLAIN_PICTURE);
    } catch (error) {
      this.#editor.report(error);
    }
  }

  /** The picture on the clipboard; no recipe survives there. Throws a ProblemError. */
  async copy() {
    const document = this.#document;
    if (!navigator.clipboard || !("ClipboardItem" in window))
      throw new api.ProblemError({ title: message("export.noClipboard"), hint: message("export.noClipboardHint") });
    const picture = files.exportPicture({ document, ...PLAIN_PICTURE, recipe: false });
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
  }

  /** Throws a ProblemError. @param {Omit<LatentsRequest, "document">} what */
  async latents(what) {
    const document = this.#document;
    const blob = await files.exportLatents({ document, ...what });
    save(blob, fileName(document, `${what.part}.${what.format}`));
  }

  /** A link that reopens the edit, and whether it does so elsewhere. Throws a ProblemError. */
  async link() {
    const { document, generator, portable } = await files.checkLink({ document: this.#document });
    const { origin, pathname } = window.location;
    return { url: origin + pathname + (await linkHash({ document, generator })), portable };
  }

  /** Opens the edit that the address carries, if it does, and takes it out of the address. */
  async openLink() {
    const { hash, pathname, search } = window.location;
    if (!isEditLink(hash)) return;
    await this.#ready();
    const carried = await carriedBy(hash).catch(() => null);
    try {
      if (!carried) throw new api.ProblemError({ title: message("link.damaged"), detail: message("link.damagedDetail") });
      const { document } = await files.checkLink(carried);
      await this.#takeOver(document, message("link.opened"), "");
    } catch (error) {
      const elsewhere = error instanceof api.ProblemError && LOST_ELSEWHERE.includes(error.code);
      this.#editor.report(
        elsewhere
          ? new api.ProblemError({ title: message("link.stays"), detail: message("link.staysDetail"), hint: message("link.staysHint") })
          : error,
      );
    } finally {
      window.history.replaceState(null, "", pathname + search); // not before: a login in between needs it
    }
  }

  /** Until the page has a session and a face, which would otherwise take the place of what a link brings. */
  #ready() {
    const store = this.#store;
    return new Promise((/** @type {(nothing: void) => void} */ done) => {
      const stop = store.subscribe(look);
      function look() {
        const { session, document, connection } = store.get();
        if (!session || !document || connection.phase !== "open") return;
        stop();
        done();
      }
      look();
    });
  }

  /** A file that was dropped, pasted or chosen: a recipe, a latent or a photo. @param {File} file */
  async take(file) {
    const bytes = await file.arrayBuffer().catch(() => null); // a folder, or a file that is gone
    if (!bytes) {
      const problem = { title: message("intake.unreadable", { name: file.name }), hint: message("intake.unreadableHint") };
      return this.#editor.report(new api.ProblemError(problem));
    }
    if (kindOf(new Uint8Array(bytes), file.name) === "photo") return this.#projecting.upload(file);
    const { session, document } = this.#store.get();
    this.#store.dispatch({ type: "reading-file", name: file.name });
    try {
      if (!session || !document)
        throw new api.ProblemError({ title: message("error.notConnected"), hint: message("error.inAMoment") });
      const found = await files.importFile(session, document.model, file);
      const title = found.kind === "recipe" ? message("intake.restored") : message("intake.latent");
      const kept = adopted(this.#store.get(), found.document);
      const held = kept === found.document ? [] : [message("seed.heldFile")];
      const notes = [...found.notes.map((note) => message(`intake.${note}`)), ...held];
      await this.#takeOver(kept, title, notes);
    } catch (error) {
      const isPhoto = error instanceof api.ProblemError && error.code === "no_recipe";
      if (isPhoto) return this.#projecting.upload(file);
      this.#editor.report(error);
    } finally {
      this.#store.dispatch({ type: "reading-file", name: null });
    }
    return undefined;
  }

  /** @param {LoomDocument} document @param {KeptText} title @param {KeptText} detail */
  async #takeOver(document, title, detail) {
    if (!this.#store.get().models.some(({ name }) => name === document.model))
      this.#store.dispatch({ type: "loaded", models: await api.models() });
    this.#editor.change(document);
    this.#directing.reload(); // it may have brought directions along
    this.#store.dispatch({ type: "toast", tone: "info", title, detail, hint: "" });
  }
}

/** What a link cannot bring from another server. */
const LOST_ELSEWHERE = ["unknown_latent", "unknown_direction"];

/** @param {LoomDocument} document @param {string} suffix */
export function fileName(document, suffix) {
  const { base } = document;
  const face = base.kind === "seed" ? `seed-${base.seed}` : `photo-${base.latent.slice(0, 8)}`;
  return `latent-loom-${face}${editCount(document) ? "-edited" : ""}.${suffix}`;
}
