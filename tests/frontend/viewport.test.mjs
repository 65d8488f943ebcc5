// frontend/viewport.js: which part of the picture is seen, and how large.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FIT, atPercent, isCrisp, panned, percentOf, placeOf, zoomed } from "../../frontend/viewport.js";

const SMALL = { frame: 512, picture: 128 }; // fills the frame at 400 percent
const LARGE = { frame: 512, picture: 1024 }; // at 50 percent
const MIDDLE = { x: 0.5, y: 0.5 };

/** The picture's point at a place in the frame. */
const seen = (view, place) => {
  const { left, top, side } = placeOf(view);
  return [(place.x - left) / side, (place.y - top) / side];
};

const close = (a, b) => a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) < 1e-9, `${a} is not ${b}`));

test("a picture that fills the frame shows all of it, smoothly", () => {
  assert.deepEqual(placeOf(FIT), { left: 0, top: 0, side: 1 });
  assert.deepEqual([percentOf(FIT, SMALL), percentOf(FIT, LARGE)], [400, 50]);
  assert.equal(isCrisp(FIT, SMALL), false);
});

test("what is under the mouse stays there", () => {
  const place = { x: 0.7, y: 0.4 };
  const near = zoomed(zoomed(FIT, 2, MIDDLE, LARGE), 1.7, place, LARGE);
  close(seen(near, place), seen(zoomed(FIT, 2, MIDDLE, LARGE), place));
});

test("at 100 percent a pixel of the picture is one of the screen", () => {
  const view = atPercent(FIT, 100, LARGE);
  assert.equal(percentOf(view, LARGE), 100);
  assert.equal(placeOf(view).side * LARGE.frame, LARGE.picture);
  assert.equal(isCrisp(view, LARGE), false);
});

test("from two pixels of the screen for one of the picture it is drawn as it is", () => {
  assert.equal(isCrisp(atPercent(FIT, 200, LARGE), LARGE), true);
  assert.equal(isCrisp(atPercent(FIT, 199, LARGE), LARGE), false);
});

test("a picture that is smaller than its frame stands in the middle", () => {
  const view = panned(atPercent(FIT, 100, SMALL), 0.3, 0.3);
  assert.deepEqual(placeOf(view), { left: 0.375, top: 0.375, side: 0.25 });
});

test("the picture follows a hand, up to its edge", () => {
  const near = zoomed(FIT, 4, MIDDLE, LARGE);
  const before = placeOf(near);
  assert.equal(placeOf(panned(near, 0.1, 0)).left, before.left + 0.1);
  assert.equal(placeOf(panned(near, 9, 9)).left, 0);
  assert.equal(placeOf(panned(near, -9, 0)).left, -3);
});

test("zooming has an end on both sides, and out again it fills the frame", () => {
  assert.equal(zoomed(FIT, 1e9, MIDDLE, LARGE).scale, 64);
  assert.deepEqual(zoomed(zoomed(FIT, 9, { x: 0, y: 1 }, LARGE), 1e-9, MIDDLE, LARGE), FIT);
  assert.equal(percentOf(zoomed(FIT, 1e-9, MIDDLE, SMALL), SMALL), 100);
});
