// The map of latents: places on the screen, in w, and as documents.

import assert from "node:assert/strict";
import test from "node:test";
import { plainDocument } from "../../frontend/document.js";
import { withDirection } from "../../frontend/edits.js";
import {
  CELLS,
  REACH,
  averageFace,
  cellPlaces,
  documentAt,
  fromTheMiddle,
  isOnMap,
  partOf,
  placeAfter,
  placeOf,
  placeUnder,
  unmoved,
  withAxes,
} from "../../frontend/latent_map.js";

const map = { across: { id: "x" }, up: { id: "y" }, count: 8 };
const box = { left: 100, top: 50, width: 300, height: 300 };

test("a pointer in the middle is at the average, in the corners at the reach", () => {
  assert.deepEqual(placeUnder({ x: 250, y: 200 }, box), [0, 0]);
  assert.deepEqual(placeUnder({ x: 400, y: 50 }, box), [REACH, REACH]);
  assert.deepEqual(placeUnder({ x: 0, y: 999 }, box), [-REACH, -REACH]);
});

test("what is drawn at a place is under the pointer there", () => {
  const place = /** @type {const} */ ([1.2, -2.1]);
  const [left, top] = partOf(place);
  const found = placeUnder({ x: box.left + left * box.width, y: box.top + top * box.height }, box);
  found.forEach((value, axis) => assert.ok(Math.abs(value - place[axis]) < 1e-9));
});

test("a document taken to a place lies there, and its other edits stay", () => {
  const document = withDirection({ ...plainDocument("demo", 1, 0.7), attributes: { age: 50 } }, "other", 2);
  const home = [0.5, -1];
  const there = documentAt(document, home, map, [1.25, 0]);
  assert.deepEqual(placeOf(home, there, map), [1.25, 0]);
  assert.deepEqual(there.attributes, { age: 50 });
  assert.deepEqual(unmoved(there, map), document);
});

test("back at its own place it is the document it was", () => {
  const document = plainDocument("demo", 1, 0.7);
  assert.deepEqual(documentAt(document, [0.5, -1], map, [0.5, -1]), document);
});

test("the average face has nothing left of its seed", () => {
  assert.equal(averageFace("demo").base.truncation_psi, 0);
});

test("small pictures stand evenly from the top left, and are drawn from the middle outwards", () => {
  const places = cellPlaces();
  assert.equal(places.length, CELLS * CELLS);
  assert.ok(places[0][0] < 0 && places[0][1] > 0);
  assert.ok(places.every(isOnMap));
  assert.equal(fromTheMiddle(places)[0].index, (CELLS * CELLS - 1) / 2);
});

test("arrow keys move a little, with Shift further, and stop at the edge", () => {
  assert.deepEqual(placeAfter("ArrowUp", [0, 0], false), [0, 0.1]);
  assert.deepEqual(placeAfter("ArrowLeft", [-2.8, 1], true), [-REACH, 1]);
  assert.equal(placeAfter("Enter", [0, 0], false), null);
});

test("the map's axes join the model's directions as they are known by now, and take nothing from them", () => {
  const known = { model: "demo", saved: [{ id: "smile" }, { id: "x", name: "before" }] };
  assert.deepEqual(withAxes(known, "demo", map).saved, [{ id: "smile" }, map.across, map.up]);
  assert.equal(withAxes(null, "demo", map), null);
  assert.equal(withAxes(known, "other", map), known);
});
