// frontend/document.js: what a control does to the document.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_SEED,
  faceKey,
  foundFace,
  plainDocument,
  seedBase,
  snap,
  standing,
  withAttribute,
  withBase,
  withModel,
  withoutAttribute,
} from "../../frontend/document.js";
import { NO_EDITS } from "../../frontend/edits.js";

const AGE = {
  name: "age",
  label: "Age",
  group: "face",
  minimum: 5,
  maximum: 80,
  step: 0.5,
  unit: "years",
  shown: true,
};
const DOCUMENT = plainDocument("demo", 3, 0.7);

test("a value lands on the slider's steps and inside its range", () => {
  assert.equal(snap(20.3, AGE), 20.5);
  assert.equal(snap(-4, AGE), 5);
  assert.equal(snap(99, AGE), 80);
  assert.equal(snap(0.30000000000000004, { minimum: 0, maximum: 1, step: 0.1 }), 0.3);
});

test("a seed stays within what the server takes", () => {
  assert.equal(seedBase(-5, 0.7).seed, 0);
  assert.equal(seedBase(1e12, 0.7).seed, MAX_SEED);
  assert.equal(seedBase(7.9, 0.7).seed, 7);
});

test("moving a slider sets a target in raw units", () => {
  assert.deepEqual(withAttribute(DOCUMENT, AGE, 60, 30).attributes, { age: 60 });
});

test("a slider back at the original value leaves the very document of before", () => {
  const edited = withAttribute(DOCUMENT, AGE, 60, 30.13);
  assert.deepEqual(withAttribute(edited, AGE, 30, 30.13), DOCUMENT);
});

test("a target is kept while the original value is not known yet", () => {
  assert.deepEqual(withAttribute(DOCUMENT, AGE, 30, undefined).attributes, { age: 30 });
});

test("an original value outside the range is where the slider stops", () => {
  assert.equal(withAttribute(DOCUMENT, AGE, 80, 91), DOCUMENT);
});

test("resetting one attribute leaves the others", () => {
  const edited = { ...DOCUMENT, attributes: { age: 60, beard: 1 } };
  assert.deepEqual(withoutAttribute(edited, "age").attributes, { beard: 1 });
  assert.equal(withoutAttribute(edited, "yaw"), edited);
});

test("a new face drops the attribute targets unless they are kept", () => {
  const edited = { ...DOCUMENT, attributes: { age: 60 } };
  assert.deepEqual(withBase(edited, seedBase(8, 0.7), false).attributes, {});
  assert.deepEqual(withBase(edited, seedBase(8, 0.7), true).attributes, { age: 60 });
});

test("a face found in a photo starts without edits, mix and noise, at full truncation", () => {
  assert.deepEqual(foundFace("demo", "l"), {
    model: "demo",
    base: { kind: "latent", latent: "l", truncation_psi: 1, truncation_cutoff: null },
    mix: [],
    ...NO_EDITS,
    noise: { seed: null, strength: 1, layers: {}, frozen: [] },
  });
});

const SMALLER = {
  name: "smaller",
  num_ws: 8,
  default_psi: 0.5,
  seeds: [21, 22],
  attributes: [{ name: "age" }],
  editable: true,
  measurable: true,
};

const OWN = { seed: 1, strength: 1 };

test("in another model it is the same seed, and what that model has no layer for goes", () => {
  const busy = {
    ...DOCUMENT,
    base: { ...seedBase(3, 0.9), truncation_cutoff: 10 },
    mix: [
      { source: seedBase(9, 0.7), layers: [6, 7, 8, 9], strength: [0.5, 1, 0.25, 0.25] },
      { source: seedBase(9, 0.7), layers: [8, 9], strength: 0.5 },
    ],
    noise: { seed: 4, strength: 2, layers: { 6: OWN, 7: OWN }, frozen: [5, 9] },
  };
  assert.deepEqual(withModel(busy, SMALLER, false), {
    model: "smaller",
    base: seedBase(3, 0.9),
    mix: [{ source: seedBase(9, 0.7), layers: [6, 7], strength: [0.5, 1] }],
    ...NO_EDITS,
    noise: { seed: 4, strength: 2, layers: { 6: OWN }, frozen: [5] },
  });
});

test("a face found in one model makes way for a face of the other, as base and in the mix", () => {
  const found = foundFace("demo", "l");
  const mixed = { ...found, mix: [{ source: found.base, layers: [1], strength: 1 }] };
  assert.deepEqual(withModel(mixed, SMALLER, false), plainDocument("smaller", 21, 0.5));
  assert.deepEqual(withModel(found, { ...SMALLER, seeds: [] }, false).base, seedBase(0, 0.5));
});

test("edits go along to another model where they are kept and it knows them", () => {
  const edited = { ...DOCUMENT, attributes: { age: 60, beard: 1 } };
  assert.deepEqual(withModel(edited, SMALLER, false).attributes, {});
  assert.deepEqual(withModel(edited, SMALLER, true).attributes, { age: 60 });
});

test("the values of a face belong to its base and mix, not to its edits", () => {
  assert.equal(
    faceKey({ ...DOCUMENT, attributes: { age: 60 }, noise: { seed: 4, strength: 2 } }),
    faceKey(DOCUMENT),
  );
  const mixed = { ...DOCUMENT, mix: [{ source: seedBase(9, 0.7), layers: [10], strength: 0.5 }] };
  assert.notEqual(faceKey(mixed), faceKey(DOCUMENT));
});

test("a face that is only kept at hand for mixing makes no other face", () => {
  const kept = { ...DOCUMENT, mix: [{ source: seedBase(9, 0.7), layers: [], strength: 1 }] };
  assert.equal(faceKey(kept), faceKey(DOCUMENT));
});

test("a slider stands at its target, else at the original, else nowhere", () => {
  assert.equal(standing({ age: 60 }, { age: 30 }, "age"), 60);
  assert.equal(standing({}, { age: 30 }, "age"), 30);
  assert.equal(standing({}, null, "age"), undefined);
});
