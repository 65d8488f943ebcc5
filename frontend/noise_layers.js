// The noise of a document, layer by layer: pure functions. What a layer has like all others goes away, so that a
// document without noise of its own is the plain one.

/** @import { LayerNoise, LoomDocument, NoiseSpec } from "./messages.js" */

/** The stored maps. @type {Readonly<NoiseSpec>} */
export const PLAIN_NOISE = Object.freeze({ seed: null, strength: 1, layers: {}, frozen: [] });

/** Documents kept before layers had noise of their own lack a part. @param {LoomDocument | null} document */
export const noiseOf = (document) => ({ ...PLAIN_NOISE, ...document?.noise });

/** What a layer has: its own, or that of all. @param {NoiseSpec} noise @param {number} layer @returns {LayerNoise} */
export const layerNoise = (noise, layer) => noise.layers[layer] ?? { seed: noise.seed, strength: 1 };

/** @param {NoiseSpec} noise @param {number} layer */
export const isFrozen = (noise, layer) => noise.frozen.includes(layer);

/** @param {NoiseSpec} noise */
export const isPlain = (noise) =>
  noise.seed === null && noise.strength === 1 && !Object.keys(noise.layers).length && !noise.frozen.length;

/**
 * @param {NoiseSpec} noise
 * @param {number} layer
 * @param {Partial<LayerNoise>} change
 */
export const withLayerNoise = (noise, layer, change) =>
  tidied({ ...noise, layers: { ...noise.layers, [layer]: { ...layerNoise(noise, layer), ...change } } });

/**
 * Another draw of all layers that are not frozen; their own strengths stay.
 * @param {NoiseSpec} noise
 * @param {number | null} seed null: the stored maps
 */
export function withNewDraw(noise, seed) {
  const frozen = noise.frozen.map((layer) => [layer, layerNoise(noise, layer)]);
  const drawn = Object.entries(noise.layers).map(([layer, own]) => [layer, { ...own, seed }]);
  return tidied({ ...noise, seed, layers: Object.fromEntries([...drawn, ...frozen]) });
}

/**
 * A frozen layer keeps its noise when all are drawn again.
 * @param {NoiseSpec} noise
 * @param {number} layer
 * @param {boolean} frozen
 */
export function withFrozen(noise, layer, frozen) {
  const others = noise.frozen.filter((each) => each !== layer);
  return { ...noise, frozen: frozen ? [...others, layer].sort((a, b) => a - b) : others };
}

/** As every other layer. @param {NoiseSpec} noise @param {number} layer */
export const withoutLayerNoise = (noise, layer) =>
  withLayerNoise(noise, layer, { seed: noise.seed, strength: 1 });

/** The noise that a smaller model can have. @param {NoiseSpec} noise @param {number} count of layers */
export const noiseFor = (noise, count) => ({
  ...noise,
  layers: Object.fromEntries(Object.entries(noise.layers).filter(([layer]) => Number(layer) < count)),
  frozen: noise.frozen.filter((layer) => layer < count),
});

/** @param {NoiseSpec} noise @returns {NoiseSpec} */
const tidied = (noise) => ({
  ...noise,
  layers: Object.fromEntries(
    Object.entries(noise.layers).filter(([, own]) => own.seed !== noise.seed || own.strength !== 1),
  ),
});
