// frontend/readings.js: what an edit came to, in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { likenessPercent, missedBy, movements, written } from "../../frontend/readings.js";

const AGE = { name: "age", label: "Age", minimum: 5, maximum: 80, unit: "years" };
const YAW = { name: "yaw", label: "Yaw", minimum: -30, maximum: 30, unit: "°" };
const BEARD = { name: "beard", label: "Beard", minimum: 0, maximum: 1, unit: "" };
const READING = {
  estimated: { age: 30.2, yaw: 0.04, beard: 0.5 },
  reached: { age: 36.9, yaw: -2.04, beard: 0.52 },
  moved: { age: 0.6, yaw: -0.2, beard: 0.05 },
};

test("values are written with as many digits as mean something", () => {
  assert.equal(written(33.26, AGE), "33 years");
  assert.equal(written(-2.04, YAW), "−2.0°");
  assert.equal(written(-0.04, YAW), "0.0°", "there is no minus zero");
  assert.equal(written(0.5, BEARD), "0.50");
});

test("what moved most is said first, and what hardly moved not at all", () => {
  const said = movements(READING, [BEARD, YAW, AGE]);
  assert.deepEqual(
    said.map(({ name, words, from, to, visible }) => [name, words, from, to, visible]),
    [
      ["age", "older", "30 years", "37 years", true],
      ["yaw", "turned to the left", "0.0°", "−2.0°", false],
    ],
  );
});

test("no more is said than is asked for, and nothing where nothing can be read", () => {
  assert.deepEqual(
    movements(READING, [BEARD, YAW, AGE], 1).map(({ name }) => name),
    ["age"],
  );
  assert.deepEqual(movements({ ...READING, reached: null, moved: null }, [AGE]), []);
});

test("likeness is 100 for the same picture, 0 for another person's, and may be unknown", () => {
  assert.equal(likenessPercent({ distance: 0 }), 100);
  assert.equal(likenessPercent({ distance: 0.234 }), 77);
  assert.equal(likenessPercent({ distance: 1.2 }), 0);
  assert.equal(likenessPercent({ distance: null }), null);
  assert.equal(likenessPercent(null), null);
});

test("what was missed is a part of the slider", () => {
  assert.equal(missedBy(YAW, 10, 4), 0.1);
});
