// The HTTP side of exploring: walks between faces, and maps of latents.

import { json, read, request } from "./api.js";

/** @import { LoomDocument } from "./messages.js" */
/** @import { LatentMap, Place, Walk } from "./explore_messages.js" */

/** The walk that the session keeps. @param {string} session @returns {Promise<Walk>} */
export const sessionWalk = (session) => read(`/sessions/${session}/walk`);

/**
 * Goes through even while the page is closing.
 * @param {string} session
 * @param {Walk} walk
 * @returns {Promise<Walk>}
 */
export const keepWalk = (session, walk) =>
  read(`/sessions/${session}/walk`, { ...json("PUT", walk), keepalive: true });

/** The picture after so many seconds. @param {Walk} walk @param {number} at @param {number} resolution */
export const walkPicture = async (walk, at, resolution) =>
  (await request("/walks/picture", json("POST", { walk, at, resolution }))).blob();

/**
 * The map along two principal axes of w, 1 being the widest.
 * @param {string} model
 * @param {{ across: number, up: number }} axes
 * @returns {Promise<LatentMap>}
 */
export const latentMap = (model, axes) => read(`/models/${encodeURIComponent(model)}/map`, json("PUT", axes));

/**
 * Where faces lie on a map.
 * @param {string} model
 * @param {LatentMap} map
 * @param {LoomDocument[]} documents
 * @returns {Promise<Place[]>}
 */
export async function placesOn(model, { across, up }, documents) {
  const body = { across: { direction: across.id }, up: { direction: up.id }, documents };
  return (await read(`/models/${encodeURIComponent(model)}/map/places`, json("POST", body))).places;
}
