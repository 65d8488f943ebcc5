// frontend/noise_layers.js: the noise of all layers and of single ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PLAIN_NOISE,
  isFrozen,
  isPlain,
  layerNoise,
  noiseOf,
  withFrozen,
  withLayerNoise,
  withNewDraw,
  withoutLayerNoise,
} from "../../frontend/noise_layers.js";

test("a document kept before layers had noise of their own has none", () => {
  assert.deepEqual(noiseOf({ noise: { seed: 4, strength: 2 } }), {
    seed: 4,
    strength: 2,
    layers: {},
    frozen: [],
  });
  assert.deepEqual(noiseOf(null), PLAIN_NOISE);
});

test("a layer has the noise of all until it has its own", () => {
  const noise = withLayerNoise({ ...PLAIN_NOISE, seed: 4 }, 3, { strength: 0.5 });
  assert.deepEqual(layerNoise(noise, 2), { seed: 4, strength: 1 });
  assert.deepEqual(layerNoise(noise, 3), { seed: 4, strength: 0.5 });
});

test("a layer put back is like all others, and leaves no trace", () => {
  const noise = withLayerNoise(PLAIN_NOISE, 3, { seed: 9, strength: 0.5 });
  assert.equal(isPlain(noise), false);
  assert.deepEqual(withoutLayerNoise(noise, 3), PLAIN_NOISE);
  assert.deepEqual(withLayerNoise(withLayerNoise(PLAIN_NOISE, 3, { strength: 2 }), 3, { strength: 1 }), PLAIN_NOISE);
});

test("a new draw of all reaches layers with noise of their own, but keeps their strengths", () => {
  const noise = withLayerNoise(withLayerNoise(PLAIN_NOISE, 3, { seed: 9, strength: 0.5 }), 5, { seed: 8 });
  assert.deepEqual(withNewDraw(noise, 7), {
    ...PLAIN_NOISE,
    seed: 7,
    layers: { 3: { seed: 7, strength: 0.5 } },
  });
});

test("a frozen layer keeps its noise when all are drawn again", () => {
  const noise = withFrozen(withFrozen(withLayerNoise(PLAIN_NOISE, 3, { seed: 9 }), 3, true), 1, true);
  assert.deepEqual(noise.frozen, [1, 3]);
  const drawn = withNewDraw(noise, 7);
  assert.deepEqual(layerNoise(drawn, 3), { seed: 9, strength: 1 });
  assert.deepEqual(layerNoise(drawn, 1), { seed: null, strength: 1 }); // the stored map, as before
  assert.deepEqual(layerNoise(drawn, 2), { seed: 7, strength: 1 });
});

test("a layer that is let go is drawn again with the others", () => {
  const frozen = withNewDraw(withFrozen(PLAIN_NOISE, 1, true), 7);
  const free = withFrozen(frozen, 1, false);
  assert.equal(isFrozen(free, 1), false);
  assert.deepEqual(withNewDraw(free, 8).layers, {});
});

test("drawing a frozen layer alone does draw it", () => {
  const noise = withLayerNoise(withFrozen(PLAIN_NOISE, 1, true), 1, { seed: 5 });
  assert.deepEqual(layerNoise(noise, 1), { seed: 5, strength: 1 });
});
