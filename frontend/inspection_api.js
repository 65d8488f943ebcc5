// Looking into a network: one function per route.

import { json, request } from "./api.js";

/** @import { LoomDocument } from "./messages.js" */

/**
 * @typedef {object} Look which channels of a layer, and how their numbers become colours
 * @property {number} layer a 3x3 convolution, 4x4 first
 * @property {number} first channel
 * @property {number} count
 * @property {"number" | "strength"} order
 * @property {"maps" | "spectra"} shown
 * @property {"channel" | "layer"} scope
 * @property {"range" | "deviations"} spread
 * @property {number} deviations
 * @property {number} side pixels at most
 */
/**
 * @typedef {object} Sheet what a picture of activations shows: tiles in rows
 * @property {number} resolution
 * @property {number} total channels of the layer
 * @property {number} columns
 * @property {number[]} channels
 * @property {number[]} low the number at one end of a tile's colours
 * @property {number[]} high
 */
/** @template T @typedef {{ blob: Blob, said: T }} Told a picture, and what was said about it */

/** @param {LoomDocument} document @param {Look} look @returns {Promise<Told<Sheet>>} */
export const activations = (document, look) => told("/activations", { document, ...look }, "X-Activations");

/** @param {LoomDocument} document @param {number} layer @returns {Promise<Told<{ largest: number }>>} */
export const noiseEffect = (document, layer) =>
  told("/noise-effect", { document, layer }, "X-Noise-Effect");

/** @param {string} path @param {unknown} body @param {string} header with JSON */
async function told(path, body, header) {
  const response = await request(path, json("POST", body));
  return { blob: await response.blob(), said: JSON.parse(response.headers.get(header) ?? "null") };
}
