// Keeping faces in the gallery: adding, starring, naming, deleting with a way back, and the archive.

import { EMPTY_COLLECTION } from "./collection.js";
import { save } from "./download.js";
import * as api from "./exporting_api.js";

/** @import { CollectionAction } from "./collection.js" */
/** @import { GalleryItem } from "./exporting_messages.js" */
/** @import { LoomDocument } from "./messages.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Store } from "./state.js" */

export class Collecting {
  #store;
  #editor;
  /** The session whose gallery was asked for. @type {string | null} */ #asked = null;

  /** @param {Store} store @param {Editor} editor */
  constructor(store, editor) {
    this.#store = store;
    this.#editor = editor;
    store.subscribe(() => void this.#follow());
  }

  /** Another session, once it is connected: its gallery. Where that failed, again after the next connection. */
  async #follow() {
    const { session, connection, gallery } = this.#store.get();
    if (connection.phase !== "open" && gallery.items === null) this.#asked = null;
    if (!session || connection.phase !== "open" || session === this.#asked) return;
    this.#asked = session;
    this.#tell({ do: "read", items: EMPTY_COLLECTION.items });
    const items = await this.#attempt(() => api.gallery(session));
    if (items && this.#asked === session) this.#tell({ do: "read", items });
  }

  /** @param {CollectionAction} action */
  #tell(action) {
    this.#store.dispatch({ type: "gallery", action });
  }

  /** @template T @param {() => Promise<T>} act @returns {Promise<T | null>} */
  async #attempt(act) {
    try {
      return await act();
    } catch (error) {
      this.#editor.report(error);
      return null;
    }
  }

  /** @param {(session: string) => Promise<unknown>} act */
  async #inSession(act) {
    const { session } = this.#store.get();
    if (session) await this.#attempt(() => act(session));
  }

  /** Keeps a document; without one what is being edited. @param {LoomDocument} [document] */
  add(document = this.#store.get().document ?? undefined) {
    if (!document) return Promise.resolve();
    return this.#inSession(async (session) => {
      this.#tell({ do: "added", items: [await api.addToGallery(session, document, "")] });
    });
  }

  /** @param {GalleryItem} item @param {{ name?: string, starred?: boolean }} change */
  change(item, change) {
    return this.#inSession(async (session) => {
      this.#tell({ do: "changed", item: await api.changeItem(session, item.id, change) });
    });
  }

  /** @param {string[]} ids */
  remove(ids) {
    return this.#inSession(async (session) => {
      await api.deleteItems(session, ids);
      this.#tell({ do: "deleted", ids });
    });
  }

  /** Brings back what was deleted last. */
  bringBack() {
    return this.#inSession(async (session) => {
      const { deleted } = this.#store.get().gallery;
      this.#tell({ do: "added", items: await api.restoreItems(session, deleted) });
    });
  }

  /** @param {string[]} ids */
  async archive(ids) {
    this.#tell({ do: "busy", busy: true });
    await this.#inSession(async (session) => {
      save(await api.galleryArchive(session, ids, "png"), "latent-loom.zip");
    });
    this.#tell({ do: "busy", busy: false });
  }
}
