// A grid of faces to choose from: which documents are in it, and where arrow keys lead.

import { MAX_SEED, plainDocument, seedBase, withBase } from "./document.js";

/** @import { LoomDocument } from "./messages.js" */

export const PAGE = 24;
/** More would be scrolled past, and each takes memory. */
export const MOST = 240;
/** As many as the server takes. */
export const MOST_MIXED = 16;
export const STEP = { minimum: 0.05, maximum: 0.6, step: 0.01, usual: 0.25 };

/**
 * Seeds that a grid shows, the same for the same first one: so that scrolling back finds them again.
 * @param {number} first
 * @param {number} count
 */
export function gridSeeds(first, count) {
  let seed = first >>> 0;
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator: a full period
    return (seed >>> 1) & MAX_SEED;
  });
}

/**
 * A new face as far truncated as the one being edited.
 * @param {LoomDocument} document
 * @param {number} seed
 * @param {{ psi: number, keepEdits: boolean }} how psi: where the document has no seed to take it from
 * @returns {LoomDocument}
 */
export function newFace(document, seed, { psi, keepEdits }) {
  const { base } = document;
  const seeded = base.kind === "seed" && base.truncation_psi !== 0;
  const to = {
    ...seedBase(seed, seeded ? base.truncation_psi : psi),
    truncation_cutoff: seeded ? base.truncation_cutoff : null,
  };
  if (keepEdits) return withBase(document, to, true);
  return { ...plainDocument(document.model, seed, psi), base: to };
}

/**
 * A face near this one: a step in w towards another seed's, in all layers. Edits stay; what a person said about
 * the face before does not hold for another one.
 * @param {LoomDocument} document
 * @param {number} seed
 * @param {{ step: number, psi: number, layers: number }} how step: 0..1, a part of the way
 * @returns {LoomDocument}
 */
export function variation(document, seed, { step, psi, layers }) {
  const { base } = document;
  const from = base.kind === "seed" && base.truncation_psi !== 0 ? base.truncation_psi : psi;
  const source = {
    ...seedBase(seed, from),
    truncation_cutoff: base.kind === "seed" ? base.truncation_cutoff : null,
  };
  const all = Array.from({ length: layers }, (_, layer) => layer);
  return {
    ...document,
    mix: [...document.mix, { source, layers: all, strength: step }],
    base_attributes: {},
  };
}

/**
 * Where a key leads in a grid; null where it leads nowhere.
 * @param {string} key
 * @param {number} at
 * @param {{ count: number, columns: number }} grid
 */
export function stepInGrid(key, at, { count, columns }) {
  const to = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: count - 1,
  }[key];
  return to === undefined || to < 0 || to >= count || to === at ? null : to;
}
