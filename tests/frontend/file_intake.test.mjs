// Files that are brought to the page (frontend/exporting.js).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Exporting } from "../../frontend/exporting.js";
import { spoken } from "../../frontend/kept_text.js";
import { createStore } from "../../frontend/state.js";

test("a folder, which no browser can read as a file, is told of", async () => {
  const told = /** @type {any[]} */ ([]);
  const editor = { report: (/** @type {unknown} */ error) => told.push(error) };
  const exporting = new Exporting(createStore(), editor, {}, {});
  const folder = { name: "photos", arrayBuffer: () => Promise.reject(new DOMException("gone", "NotFoundError")) };
  await exporting.take(folder);
  assert.deepEqual(
    told.map(({ title }) => spoken(title)),
    ["The browser cannot read photos"],
  );
});
