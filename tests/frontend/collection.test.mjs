// The gallery's state: order, choosing, deleting and bringing back; and what a file that is brought is for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_COLLECTION, reduceCollection, shownItems, withChosen } from "../../frontend/collection.js";
import { kindOf } from "../../frontend/file_kinds.js";

/** @param {string} id @param {boolean} [starred] @returns {any} */
const item = (id, starred = false) => ({ id, starred, name: id, created_at: `2026-01-0${id}`, document: {} });
const items = [item("4"), item("3", true), item("2"), item("1", true)];
const read = reduceCollection(EMPTY_COLLECTION, { do: "read", items });
/** @param {import("../../frontend/collection.js").Collection} collection */
const ids = (collection) => shownItems(collection).map(({ id }) => id).join("");

test("starred ones come first where that is asked for, and keep their order", () => {
  assert.equal(ids(read), "4321");
  assert.equal(ids(reduceCollection(read, { do: "order", order: "starred" })), "3142");
});

test("what is deleted is chosen no more, and finds its place when it comes back", () => {
  const chosen = reduceCollection(read, { do: "choose", ids: ["3", "2"] });
  const deleted = reduceCollection(chosen, { do: "deleted", ids: ["3"] });
  assert.equal(ids(deleted), "421");
  assert.deepEqual([deleted.chosen, deleted.deleted], [["2"], ["3"]]);
  const back = reduceCollection(deleted, { do: "added", items: [items[1]] });
  assert.equal(ids(back), "4321");
  assert.deepEqual(back.deleted, []);
});

test("a changed item stays where it is", () => {
  const named = reduceCollection(read, { do: "changed", item: { ...items[2], name: "Mona" } });
  assert.equal(shownItems(named)[2].name, "Mona");
});

test("pressing chooses one more or less, with shift all in between", () => {
  const one = reduceCollection(read, { do: "choose", ids: withChosen(read, "4", false) });
  assert.deepEqual(one.chosen, ["4"]);
  assert.deepEqual(withChosen(one, "2", true).toSorted(), ["2", "3", "4"]);
  assert.deepEqual(withChosen(one, "4", false), []);
});

/** @param {string} text */
const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

test("a picture with the mark of a recipe is one, another picture is a photo", () => {
  assert.equal(kindOf(bytes("\x89PNG....loOm..."), "a.png"), "recipe");
  assert.equal(kindOf(bytes("\xff\xd8\xff...LatentLoom\0..."), "a.jpg"), "recipe");
  assert.equal(kindOf(bytes("RIFF....WEBP..LOOM"), "a.webp"), "recipe");
  assert.equal(kindOf(bytes("\x89PNG....LOOM..."), "a.png"), "photo");
  assert.equal(kindOf(bytes("loOm"), "a.txt"), "photo");
});

test("a latent is known by its name or by how it begins", () => {
  assert.equal(kindOf(bytes("whatever"), "w.NPZ"), "latent");
  assert.equal(kindOf(bytes("whatever"), "face.safetensors"), "latent");
  assert.equal(kindOf(bytes("PK\x03\x04..."), "pasted"), "latent");
});
