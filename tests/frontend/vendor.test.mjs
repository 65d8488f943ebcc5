// frontend/vendor: what is shipped is what VERSIONS says. frontend/index.html: nothing the content policy
// forbids.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const frontend = new URL("../../frontend/", import.meta.url);
const read = (path) => readFileSync(new URL(path, frontend), "utf8");

test("every vendored file has the checksum that VERSIONS records", () => {
  const recorded = Object.fromEntries(
    [...read("vendor/VERSIONS").matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, sum, name]) => [name, sum]),
  );
  const actual = Object.fromEntries(
    readdirSync(new URL("vendor/", frontend))
      .filter((name) => name !== "VERSIONS")
      .map((name) => [
        name,
        createHash("sha256")
          .update(read(`vendor/${name}`))
          .digest("hex"),
      ]),
  );
  assert.deepEqual(recorded, actual);
});

test("every import is a relative path that the browser can follow without a build", () => {
  const modules = readdirSync(frontend, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".js") && !name.startsWith("node_modules"));
  assert.ok(modules.length > 20);
  for (const name of modules) {
    for (const [, target] of read(name).matchAll(/^\s*(?:import|export)[^;'"]*?from\s*["']([^"']+)["']/gm)) {
      assert.match(target, /^\.{1,2}\/.+\.js$/, `${name} imports ${target}`);
      assert.doesNotThrow(
        () => read(new URL(target, new URL(name, frontend)).pathname),
        `${name} imports ${target}`,
      );
    }
  }
});

test("the page has no inline script, style or handler", () => {
  const html = read("index.html");
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:/i);
  for (const [, attributes, body] of html.matchAll(/<script([^>]*)>([^<]*)</g)) {
    assert.match(attributes, /src="/);
    assert.equal(body.trim(), "");
  }
});

/** A module with all that it imports, directly or not, unless by import(). */
function loadedWith(module, known = new Set()) {
  known.add(module);
  for (const [, target] of read(module).matchAll(/^\s*(?:import|export)[^;'"]*?from\s*["']([^"']+)["']/gm)) {
    const name = new URL(target, new URL(module, frontend)).href.slice(frontend.href.length);
    if (!known.has(name)) loadedWith(name, known);
  }
  return known;
}

test("the page preloads every module but those that open on demand, so that none waits for another", () => {
  const preloaded = [...read("index.html").matchAll(/modulepreload" href="([^"]+)"/g)].map(([, href]) => href);
  const needed = [...loadedWith("main.js")].filter((name) => name !== "main.js");
  assert.deepEqual(preloaded.sort(), needed.sort());
  assert.ok(!needed.some((name) => name.startsWith("dialogs/")));
});

test("no text reaches the page as markup", () => {
  for (const folder of [".", "views", "dialogs"]) {
    for (const name of readdirSync(new URL(folder, frontend)).filter((each) => each.endsWith(".js"))) {
      assert.doesNotMatch(
        read(`${folder}/${name}`),
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write/,
        name,
      );
    }
  }
});
