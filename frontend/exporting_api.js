// The HTTP side of exports, imports, the gallery and films: one function per route.

import { json, read, request } from "./api.js";

/** @import { Task } from "./editing_messages.js" */
/** @import { Formats, GalleryItem, Imported, LatentsRequest, Link, NewFilm, PictureFormat, PictureRequest, StoredLatent } from "./exporting_messages.js" */
/** @import { LoomDocument } from "./messages.js" */

/** What the server can write. @returns {Promise<Formats>} */
export const exportFormats = () => read("/exports/formats");

/** @param {PictureRequest} picture @returns {Promise<Blob>} */
export const exportPicture = async (picture) =>
  (await request("/exports/picture", json("POST", picture))).blob();

/** @param {LatentsRequest} latents @returns {Promise<Blob>} */
export const exportLatents = async (latents) =>
  (await request("/exports/latents", json("POST", latents))).blob();

/**
 * Whether a document can be opened here, and with which model.
 * @param {{ document: unknown, generator?: string | null }} link
 * @returns {Promise<Link>}
 */
export const checkLink = (link) => read("/exports/link", json("POST", link));

/**
 * A picture with a recipe, or a latent, as a document of this server.
 * @param {string} session
 * @param {string} model of a latent that does not say whose it is
 * @param {File} file
 * @returns {Promise<Imported>}
 */
export function importFile(session, model, file) {
  const body = new FormData();
  body.append("file", file, file.name || "file");
  return read(`/sessions/${session}/imports?model=${encodeURIComponent(model)}`, { method: "POST", body });
}

/**
 * A document's face after all edits, kept as a base.
 * @param {string} session
 * @param {LoomDocument} document
 * @returns {Promise<StoredLatent>}
 */
export const storeLatent = (session, document) =>
  read(`/sessions/${session}/latents`, json("POST", { document }));

/** Newest first. @param {string} session @returns {Promise<GalleryItem[]>} */
export const gallery = (session) => read(`/sessions/${session}/gallery`);

/** @param {string} session @param {LoomDocument} document @param {string} name @returns {Promise<GalleryItem>} */
export const addToGallery = (session, document, name) =>
  read(`/sessions/${session}/gallery`, json("POST", { document, name }));

/**
 * @param {string} session
 * @param {string} item
 * @param {{ name?: string, starred?: boolean }} change
 * @returns {Promise<GalleryItem>}
 */
export const changeItem = (session, item, change) =>
  read(`/sessions/${session}/gallery/${item}`, json("PATCH", change));

/** @param {string} session @param {string[]} items */
export const deleteItems = (session, items) =>
  request(`/sessions/${session}/gallery/delete`, json("POST", { items }));

/** @param {string} session @param {string[]} items @returns {Promise<GalleryItem[]>} */
export const restoreItems = (session, items) =>
  read(`/sessions/${session}/gallery/restore`, json("POST", { items }));

/** A ZIP file. @param {string} session @param {string[]} items @param {PictureFormat} format */
export const galleryArchive = async (session, items, format) =>
  (await request(`/sessions/${session}/gallery/archive`, json("POST", { items, format }))).blob();

/** @param {string} session @param {NewFilm} film @returns {Promise<Task>} */
export const requestFilm = (session, film) => read(`/sessions/${session}/films`, json("POST", film));
