// frontend/edits.js: light, locks, corrections, layers and directions of a document.

import assert from "node:assert/strict";
import { test } from "node:test";
import { foundFace, plainDocument, withAttribute, withBase } from "../../frontend/document.js";
import {
  editCount,
  editsFor,
  keptLayers,
  rowsOf,
  spans,
  strengthOf,
  withCorrection,
  withDirection,
  withLight,
  withLock,
  withPreset,
  withRows,
  withoutEdits,
  withoutLight,
} from "../../frontend/edits.js";

const DOCUMENT = plainDocument("demo", 3, 0.7);
const AGE = { name: "age", minimum: 5, maximum: 80, step: 0.5 };
const BUNDLED = { age: [4, 5], yaw: [0, 1], light_0: [7, 8], light_1: [7, 8] };

test("a lock takes the target away, and a target the lock", () => {
  const edited = withAttribute(DOCUMENT, AGE, 60, 30);
  const locked = withLock(edited, "age", true);
  assert.deepEqual([locked.locks, locked.attributes], [["age"], {}]);
  const moved = withAttribute(locked, AGE, 50, 30);
  assert.deepEqual([moved.locks, moved.attributes], [[], { age: 50 }]);
});

test("a lock that is taken off again leaves the document as it was", () => {
  assert.deepEqual(withLock(withLock(DOCUMENT, "yaw", true), "yaw", false), DOCUMENT);
});

test("the order in which locks are set does not show", () => {
  const one = withLock(withLock(DOCUMENT, "yaw", true), "age", true);
  assert.deepEqual(one, withLock(withLock(DOCUMENT, "age", true), "yaw", true));
});

test("a lamp that is put back leaves no light behind", () => {
  const moved = withLight(DOCUMENT, { azimuth: 40, elevation: 10 });
  assert.deepEqual(moved.light, { azimuth: 40, elevation: 10, strength: null, brightness: null });
  assert.equal(withLight(moved, { azimuth: null, elevation: null }).light, null);
});

test("moving the lamp takes over from coefficients set by hand", () => {
  const byHand = { ...DOCUMENT, attributes: { age: 50, light_0: 2 } };
  assert.deepEqual(withLight(byHand, { strength: 0.5 }).attributes, { age: 50 });
  assert.deepEqual(withoutLight(byHand).attributes, { age: 50 });
});

test("a preset leaves the brightness to the face", () => {
  const bright = withLight(DOCUMENT, { brightness: 1.5 });
  const light = withPreset(bright, { azimuth: 0, elevation: 60, strength: 0.7 }).light;
  assert.deepEqual(light, { azimuth: 0, elevation: 60, strength: 0.7, brightness: null });
});

test("edits are attributes, the light as one, and directions that move", () => {
  const lit = withLight({ ...DOCUMENT, attributes: { age: 50 } }, { strength: 0.5 });
  const busy = withDirection(withCorrection(withLock(lit, "yaw", true), "age", 20), "d", 1);
  assert.equal(editCount(busy), 3);
  assert.equal(editCount(withoutEdits(busy)), 0);
  assert.deepEqual(withoutEdits(busy).locks, ["yaw"], "how to edit stays");
});

test("a direction of strength 0 is not in the document", () => {
  const moved = withDirection(DOCUMENT, "d", 1.5);
  assert.equal(strengthOf(moved, "d"), 1.5);
  assert.equal(strengthOf(moved, "e"), 0);
  assert.deepEqual(withDirection(moved, "d", 0), DOCUMENT);
});

test("a direction that is moved on keeps its place and its layers", () => {
  const uses = [
    { direction: "d", strength: 1, layers: [3] },
    { direction: "e", strength: 2, layers: null },
  ];
  const moved = withDirection({ ...DOCUMENT, directions: uses }, "d", -1);
  assert.deepEqual(moved.directions, [{ direction: "d", strength: -1, layers: [3] }, uses[1]]);
});

test("a correction is taken back by leaving the value out", () => {
  const corrected = withCorrection(DOCUMENT, "age", 24);
  assert.deepEqual(corrected.base_attributes, { age: 24 });
  assert.deepEqual(withCorrection(corrected, "age", undefined), DOCUMENT);
});

test("what was said of one face is not said of the next, even where edits are kept", () => {
  const corrected = withLight(withCorrection(DOCUMENT, "age", 24), { strength: 0.2 });
  const next = withBase(corrected, { ...DOCUMENT.base, seed: 4 }, true);
  assert.deepEqual(next.base_attributes, {});
  assert.deepEqual(next.light, corrected.light);
  assert.equal(withBase(corrected, { ...DOCUMENT.base, seed: 4 }, false).light, null);
});

test("layers that are the model's own are not in the document", () => {
  const narrow = withRows(DOCUMENT, BUNDLED, ["age"], [4]);
  assert.deepEqual(rowsOf(narrow, BUNDLED, "age"), [4]);
  assert.deepEqual(rowsOf(narrow, BUNDLED, "yaw"), [0, 1]);
  assert.deepEqual(withRows(narrow, BUNDLED, ["age"], [5, 4]), DOCUMENT);
});

test("all coefficients of light have one rule", () => {
  const { layers } = withRows(DOCUMENT, BUNDLED, ["light_0", "light_1"], [9, 8]);
  assert.deepEqual(layers, { light_0: [8, 9], light_1: [8, 9] });
});

test("of the rules kept for a model, documents carry those that are not its own", () => {
  assert.deepEqual(keptLayers({ bundled: BUNDLED, layers: { ...BUNDLED, yaw: [0] } }), { yaw: [0] });
});

test("another model gets what it can do: no directions, and no locks without an attribute network", () => {
  const busy = withLight(withDirection(withLock(DOCUMENT, "age", true), "d", 1), { strength: 0.5 });
  const model = { attributes: [{ name: "age" }], editable: true, measurable: true };
  const calibrated = { ...busy, calibrated: true };
  assert.deepEqual(editsFor(calibrated, model, true), {
    ...editsFor(foundFace("demo", "l"), model, true),
    light: busy.light,
    locks: ["age"],
    calibrated: true,
  });
  const blind = editsFor(calibrated, { ...model, measurable: false }, false);
  assert.deepEqual([blind.light, blind.locks, blind.calibrated], [null, [], false]);
});

test("rows are written as spans", () => {
  assert.equal(spans([3, 0, 1, 2, 7]), "0–3, 7");
  assert.equal(spans([5]), "5");
});
