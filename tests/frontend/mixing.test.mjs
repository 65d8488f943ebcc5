// frontend/mixing.js, mix_rows.js and layer_names.js: sources and layers as a table, and what a control does to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDocument, seedBase } from "../../frontend/document.js";
import { bandsOf, convolutionsOf, levelOf, sideOf, sideOfRow } from "../../frontend/layer_names.js";
import { mixOf, rowsOf } from "../../frontend/mix_rows.js";
import {
  MOST_SOURCES,
  UNMIXED,
  alone,
  crossoverOf,
  shareOf,
  shownRows,
  strengthOf,
  takenLayers,
  withBand,
  withCrossover,
  withFaceAdded,
  withLayers,
  withOtherSource,
  withShelf,
  withSource,
  withStrength,
  withoutSource,
} from "../../frontend/mixing.js";

const MODEL = { name: "demo", num_ws: 8, img_resolution: 32, default_psi: 0.7, mix_borders: [2, 5] };
const [COARSE, MIDDLE, FINE] = bandsOf(MODEL);
const [A, B, LATENT] = [seedBase(1, 0.7), seedBase(2, 0.7), { kind: "latent", latent: "l", truncation_psi: 1 }];
const two = rowsOf(
  [
    { source: A, layers: [2, 3, 4, 5, 6, 7], strength: 1 },
    { source: B, layers: [0, 1], strength: [1, 0.5] },
  ],
  8,
);

/** @param {{ strengths: number[] }[]} rows */
const strengths = (rows) => rows.map((row) => row.strengths);

test("layers have the sizes of the feature maps they style, and bands by the model's borders", () => {
  assert.deepEqual([0, 1, 2, 3, 6].map(sideOf), [4, 8, 8, 16, 32]);
  assert.deepEqual([0, 5, 6, 7].map((row) => sideOfRow(row, MODEL)), [4, 32, 32, 32]);
  assert.equal(convolutionsOf(MODEL), 7);
  assert.deepEqual([COARSE, MIDDLE, FINE].map(({ first, end }) => [first, end]), [[0, 2], [2, 5], [5, 8]]);
  assert.deepEqual([1, 2, 5].map((row) => levelOf(row, MODEL)), ["coarse", "middle", "fine"]);
});

test("a small model has only the bands it has layers for", () => {
  assert.deepEqual(bandsOf({ num_ws: 4, mix_borders: [4, 4] }).map(({ level }) => level), ["coarse"]);
});

test("a mix comes back from the table as it was", () => {
  const mix = [
    { source: A, layers: [4, 5], strength: 0.5 },
    { source: B, layers: [6, 7], strength: [0.25, 1] },
    { source: LATENT, layers: [], strength: 1 },
  ];
  assert.deepEqual(mixOf(rowsOf(mix, 8)), mix);
});

test("strengths that are all the same are written as one", () => {
  assert.deepEqual(mixOf([{ source: A, strengths: [0.5, 0, 0.5] }]), [
    { source: A, layers: [0, 2], strength: 0.5 },
  ]);
});

test("the first face takes over all but the coarse layers, the second nothing yet", () => {
  const one = withSource([], A, MODEL);
  assert.deepEqual(takenLayers(one[0]), [2, 3, 4, 5, 6, 7]);
  const both = withSource(one, B, MODEL);
  assert.deepEqual([takenLayers(both[0]), takenLayers(both[1])], [[2, 3, 4, 5, 6, 7], []]);
});

test("there are as many faces as a document allows, and no more", () => {
  const full = Array.from({ length: MOST_SOURCES }, () => ({ source: A, strengths: [] }));
  assert.equal(withSource(full, B, MODEL), full);
});

test("a layer taken in full is taken from the others, less than that blends", () => {
  assert.deepEqual(strengths(withLayers(two, 1, [2], 1)), [
    [0, 0, 0, 1, 1, 1, 1, 1],
    [1, 0.5, 1, 0, 0, 0, 0, 0],
  ]);
  assert.deepEqual(strengths(withLayers(two, 1, [2], 0.5)), [
    [0, 0, 1, 1, 1, 1, 1, 1],
    [1, 0.5, 0.5, 0, 0, 0, 0, 0],
  ]);
});

test("the crossover is the first layer that a face has, and moves all of them", () => {
  assert.equal(crossoverOf(two[0]), 2);
  const moved = withCrossover(two, 0, 6);
  assert.deepEqual(takenLayers(moved[0]), [6, 7]);
  assert.deepEqual(takenLayers(moved[1]), [0, 1]);
  assert.equal(crossoverOf(withCrossover(two, 0, 8)[0]), 8);
});

test("the crossover keeps the strength that the face had", () => {
  const half = withStrength(two, 0, 0.5, null);
  assert.deepEqual(withCrossover(half, 0, 6)[0].strengths, [0, 0, 0, 0, 0, 0, 0.5, 0.5]);
});

test("a band is taken as a whole, and given back where it was", () => {
  assert.equal(shareOf(two[1], COARSE), 0.75);
  const taken = withBand(two, 1, MIDDLE);
  assert.deepEqual([shareOf(taken[1], MIDDLE), shareOf(taken[0], MIDDLE)], [1, 0]);
  assert.equal(shareOf(withBand(taken, 1, MIDDLE)[1], MIDDLE), 0);
});

test("a strength is for all layers of a face or for one", () => {
  assert.deepEqual(withStrength(two, 1, 0.2, null)[1].strengths.slice(0, 3), [0.2, 0.2, 0]);
  assert.deepEqual(withStrength(two, 1, 0.2, 5)[1].strengths, [1, 0.5, 0, 0, 0, 0.2, 0, 0]);
  assert.equal(strengthOf(two[1]), 0.75);
  assert.equal(strengthOf({ source: A, strengths: [0, 0] }), 1);
});

test("another face can stand in the place of one, or none", () => {
  assert.deepEqual(withOtherSource(two, 0, LATENT)[0], { source: LATENT, strengths: two[0].strengths });
  assert.deepEqual(withoutSource(two, 0), [two[1]]);
});

test("a face by itself is tried in its own layers, else in those of the chosen one, else above the coarse ones", () => {
  const none = { source: LATENT, strengths: Array(8).fill(0) };
  assert.deepEqual(alone(B, [two[1], two[0]], MODEL)[0].layers, [0, 1]);
  assert.deepEqual(alone(LATENT, [none, two[1]], MODEL)[0].layers, [0, 1]);
  assert.deepEqual(alone(LATENT, [none, undefined], MODEL)[0].layers, [2, 3, 4, 5, 6, 7]);
});

const DOCUMENT = plainDocument("demo", 3, 0.7);
const MIXED = { ...DOCUMENT, mix: mixOf(two) };

test("what is turned off stays at hand and comes back the same", () => {
  const off = withShelf(MIXED, DOCUMENT, UNMIXED);
  assert.deepEqual(off.shelf, MIXED.mix);
  assert.deepEqual(mixOf(shownRows(DOCUMENT, off, MODEL)), MIXED.mix);
  assert.deepEqual(shownRows(MIXED, UNMIXED, MODEL), two);
  assert.equal(withShelf(DOCUMENT, { ...DOCUMENT, locks: ["age"] }, off), off);
});

test("before anything was mixed a face is at hand to begin with", () => {
  assert.deepEqual(takenLayers(shownRows(DOCUMENT, UNMIXED, MODEL)[0]), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(shownRows(DOCUMENT, { ...UNMIXED, shelf: [] }, MODEL), []);
});

test("in another model only seeds stay at hand", () => {
  const found = { ...DOCUMENT, mix: [...MIXED.mix, { source: LATENT, layers: [1], strength: 1 }] };
  const there = withShelf(found, { ...DOCUMENT, model: "other" }, UNMIXED);
  assert.deepEqual(there.shelf, MIXED.mix);
});

test("a face that took a while to store is mixed into what was edited meanwhile", () => {
  const edited = { ...plainDocument("demo", 3, 0.7), mix: mixOf(two), attributes: { age: 60 } };
  const mixed = withFaceAdded({ document: edited, mixing: UNMIXED }, LATENT, MODEL);
  assert.deepEqual(mixed?.attributes, { age: 60 });
  assert.deepEqual(
    mixed?.mix.map(({ source }) => source),
    [A, B, LATENT],
  );
  const elsewhere = { document: { ...edited, model: "other" }, mixing: UNMIXED };
  assert.equal(withFaceAdded(elsewhere, LATENT, MODEL), null);
});
