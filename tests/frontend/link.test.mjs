// Links that carry an edit: what goes in comes out, and nothing else is believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { carriedBy, isEditLink, linkHash } from "../../frontend/link.js";

const document = /** @type {any} */ ({ model: "demo", base: { kind: "seed", seed: 7 }, note: "ü – 한국어" });
const generator = "ab".repeat(32);

test("what a link carries comes out as it went in", async () => {
  const hash = await linkHash({ document, generator });
  assert.match(hash, /^#edit=[A-Za-z0-9_-]+$/);
  assert.ok(isEditLink(hash));
  assert.deepEqual(await carriedBy(hash), { document, generator });
});

test("other fragments are no links", () => {
  for (const hash of ["", "#", "#explore", "#editing=x"]) assert.equal(isEditLink(hash), false);
});

test("a link that was cut off is refused", async () => {
  const hash = await linkHash({ document, generator });
  for (const damaged of [hash.slice(0, -9), "#edit=", "#edit=%%%", "#edit=AAAA"])
    await assert.rejects(carriedBy(damaged));
});

test("a link that unpacks to more than any edit is refused before it is all there", async () => {
  const huge = await linkHash({ document: /** @type {any} */ ("x".repeat(2 ** 22)), generator });
  assert.ok(huge.length < 10_000);
  await assert.rejects(carriedBy(huge), RangeError);
});
