// A document's mix as a table: a row for each source, a strength for each layer.

/** @import { Base, MixSource, ModelInfo } from "./messages.js" */
/** @typedef {{ source: Base, strengths: number[] }} Row strengths 0..1 of every layer; 0: not taken */

/** @param {MixSource[]} mix @param {number} count of layers @returns {Row[]} */
export const rowsOf = (mix, count) =>
  mix.map(({ source, layers, strength }) => {
    const strengths = Array(count).fill(0);
    layers.forEach((layer, i) => {
      if (layer < count) strengths[layer] = Array.isArray(strength) ? strength[i] : strength;
    });
    return { source, strengths };
  });

/** As a document has it: one strength where one is enough. @param {Row[]} rows @returns {MixSource[]} */
export const mixOf = (rows) =>
  rows.map(({ source, strengths }) => {
    const layers = strengths.flatMap((strength, layer) => (strength > 0 ? [layer] : []));
    const taken = layers.map((layer) => strengths[layer]);
    const one = taken.every((strength) => strength === taken[0]);
    return { source, layers, strength: one ? (taken[0] ?? 1) : taken };
  });

/**
 * The mix of a document in another model: sources that were found in a model stay behind, and so do layers
 * that the other one lacks.
 * @param {MixSource[]} mix
 * @param {(source: Base) => Base} within a source as the other model can have it
 * @param {ModelInfo} model
 */
export function mixFor(mix, within, model) {
  const seeds = mix.filter(({ source }) => source.kind === "seed");
  return mixOf(rowsOf(seeds, model.num_ws))
    .map((each) => ({ ...each, source: within(each.source) }))
    .filter(({ layers }) => layers.length > 0);
}
