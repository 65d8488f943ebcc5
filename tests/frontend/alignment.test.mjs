// frontend/alignment.js: the square that three anchors decide, and the part of the photo that is seen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sameAnchors, squareOf, viewAround, viewKept, withAnchor } from "../../frontend/alignment.js";

const ANCHORS = { left_eye: [100, 120], right_eye: [160, 110], mouth: [135, 190] };
/** As quad_of_anchors of models/projection/anchors.py gives it for these anchors. */
const SQUARE = [
  [-18.913487489926553, 2.9692100080587522],
  [10.969210008058754, 271.9134874899265],
  [279.9134874899266, 242.03078999194125],
  [250.03078999194128, -26.913487489926553],
];
const PHOTO = { width: 300, height: 200 };

test("the square on the page is the one that the server cuts out", () => {
  for (const [i, corner] of squareOf(ANCHORS).entries())
    for (const [j, value] of corner.entries()) assert.ok(Math.abs(value - SQUARE[i][j]) < 1e-9);
});

test("anchors that are all at one place have no square", () => {
  assert.equal(squareOf({ left_eye: [5, 5], right_eye: [5, 5], mouth: [5, 5] }), null);
});

test("an anchor is moved alone, and never out of the photo", () => {
  const moved = withAnchor(ANCHORS, "mouth", [400, -3], PHOTO);
  assert.deepEqual(moved, { ...ANCHORS, mouth: [299, 0] });
  assert.ok(!sameAnchors(moved, ANCHORS));
  assert.ok(sameAnchors(withAnchor(ANCHORS, "mouth", [135, 190], PHOTO), ANCHORS));
});

test("the view holds the whole square, and stays while the square is well seen in it", () => {
  const view = viewAround(SQUARE);
  const isIn = ([x, y]) => x > view.x && y > view.y && x < view.x + view.side && y < view.y + view.side;
  assert.ok(SQUARE.every(isIn));
  const nudged = SQUARE.map(([x, y]) => [x + 5, y]);
  assert.equal(viewKept(view, nudged), view);
});

test("the view follows a square that leaves it or becomes small in it", () => {
  const view = viewAround(SQUARE);
  const away = SQUARE.map(([x, y]) => [x + 200, y]);
  assert.deepEqual(viewKept(view, away), viewAround(away));
  const small = SQUARE.map(([x, y]) => [100 + x / 4, 100 + y / 4]);
  assert.deepEqual(viewKept(view, small), viewAround(small));
});
