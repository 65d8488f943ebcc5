// frontend/lamp.js: where a lamp is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESETS, anglesAt, directionOf, inWords, lampOf, shade } from "../../frontend/lamp.js";

const LAMP = { azimuth: 0, elevation: 0, strength: 0.5, brightness: 1 };

test("the middle of the sphere is the camera, its right rim image right, its top above", () => {
  assert.deepEqual(anglesAt(0, 0), { azimuth: 0, elevation: 0 });
  assert.deepEqual(anglesAt(1, 0), { azimuth: 90, elevation: 0 });
  assert.deepEqual(anglesAt(0, 1), { azimuth: 0, elevation: 90 });
});

test("a hand outside the sphere moves the lamp along its rim", () => {
  assert.deepEqual(anglesAt(-3, 0), { azimuth: -90, elevation: 0 });
  assert.equal(anglesAt(2, 2).elevation, 45);
});

test("the lamp is drawn where the hand put it", () => {
  for (const [x, y] of [
    [0.3, 0.4],
    [-0.6, 0.2],
    [0.1, -0.9],
  ]) {
    const [right, up] = directionOf(anglesAt(x, y));
    assert.ok(Math.hypot(right - x, up - y) < 0.01, `${right}, ${up}`);
  }
});

test("a face lights up where it faces the lamp, and keeps the light around it where not", () => {
  assert.equal(shade(LAMP, [0, 0, 1]), 1.5);
  assert.equal(shade(LAMP, [1, 0, 0]).toFixed(6), "0.500000");
  assert.equal(shade({ ...LAMP, strength: 0 }, [0, 0, 1]), 1);
});

test("what was not changed of the light is the face's own", () => {
  const change = { azimuth: 30, elevation: -5, strength: null, brightness: null };
  assert.deepEqual(lampOf(LAMP, change), { ...LAMP, azimuth: 30, elevation: -5 });
  assert.deepEqual(lampOf(LAMP, null), LAMP);
  assert.equal(lampOf(null, change), null);
});

test("the lamp's place can be said", () => {
  assert.equal(inWords({ azimuth: 0, elevation: 20 }), "from the front, 20° above");
  assert.equal(inWords({ azimuth: -70, elevation: -10 }), "70° from the left, 10° below");
  assert.equal(inWords({ azimuth: 180, elevation: 0 }), "from behind");
});

test("every preset is a lamp that the server takes", () => {
  for (const { change } of PRESETS) {
    assert.ok(Math.abs(change.azimuth) <= 180 && Math.abs(change.elevation) <= 90);
    assert.ok(change.strength >= 0 && change.strength <= 1);
  }
});
