// The HTTP side of attribute edits: layer rules, directions, faces on request, and the tasks that find them.

import { json, read, request } from "./api.js";

/** @import { LoomDocument } from "./messages.js" */
/** @import { Direction, LayerRules, Layers, SampleRequest } from "./editing_messages.js" */
/** @import { SearchMethod, Task } from "./editing_messages.js" */

const modelPath = (/** @type {string} */ model) => `/models/${encodeURIComponent(model)}`;

/** @param {string} model @returns {Promise<LayerRules>} */
export const layerRules = (model) => read(`${modelPath(model)}/layers`);

/**
 * @param {string} model
 * @param {Layers} layers none: back to the model's own
 * @returns {Promise<LayerRules>}
 */
export const keepLayers = (model, layers) => read(`${modelPath(model)}/layers`, json("PUT", { layers }));

/** @param {string} model @returns {Promise<Direction[]>} */
export const directions = (model) => read(`${modelPath(model)}/directions`);

/**
 * @param {string} model
 * @param {{ method: SearchMethod, layers: number[] | null, count: number }} search
 * @returns {Promise<Task>}
 */
export const searchDirections = (model, search) =>
  read(`${modelPath(model)}/direction-searches`, json("POST", { ...search, resolution: null }));

/**
 * @param {string} model
 * @param {{ task: string, candidate: number, name: string, layers: number[] | null, minimum: number,
 *   maximum: number }} direction
 * @returns {Promise<Direction>}
 */
export const saveDirection = (model, direction) =>
  read(`${modelPath(model)}/directions`, json("POST", direction));

/** @param {string} id @param {{ name?: string }} change @returns {Promise<Direction>} */
export const changeDirection = (id, change) => read(`/directions/${id}`, json("PATCH", change));

/** @param {string} id */
export const deleteDirection = (id) => request(`/directions/${id}`, { method: "DELETE" });

/**
 * @param {string} model
 * @param {File} file
 * @param {{ name: string, space: string, layers: string }} fields
 * @returns {Promise<Direction>}
 */
export function importDirection(model, file, fields) {
  const body = new FormData();
  body.append("file", file, file.name);
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return read(`${modelPath(model)}/directions/import`, { method: "POST", body });
}

/**
 * One row of pictures: the document's moved along a candidate of a search.
 * @param {string} task
 * @param {number} candidate its index
 * @param {{ document: LoomDocument, strengths: number[], resolution: number | null,
 *   layers: number[] | null }} strip
 */
export const candidateStrip = async (task, candidate, strip) =>
  (await request(`/tasks/${task}/candidates/${candidate}/strip`, json("POST", strip))).blob();

/** @param {string} session @param {SampleRequest} sample @returns {Promise<Task>} */
export const requestFaces = (session, sample) => read(`/sessions/${session}/samples`, json("POST", sample));

/** @param {string} id @returns {Promise<Task>} */
export const task = (id) => read(`/tasks/${id}`);

/** @param {string} id @returns {Promise<Task>} */
export const cancelTask = (id) => read(`/tasks/${id}/cancel`, { method: "POST" });
