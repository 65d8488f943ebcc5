// frontend/language.js and its message files: the languages say the same, and the page says nothing else.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { beforeEach, test } from "node:test";

import {
  currentLanguage,
  formatDate,
  formatList,
  onLanguage,
  pieces,
  plural,
  setLanguage,
  startLanguage,
  t,
  term,
} from "../../frontend/language.js";
import { en } from "../../frontend/languages/en.js";
import { ko, koTerms } from "../../frontend/languages/ko.js";

const frontend = new URL("../../frontend/", import.meta.url);
const read = (path) => readFileSync(new URL(path, frontend), "utf8");
const files = ["", "views/", "dialogs/"].flatMap((folder) =>
  readdirSync(new URL(folder || ".", frontend))
    .filter((name) => /\.(js|html)$/.test(name))
    .map((name) => folder + name),
);
const sources = new Map(files.map((name) => [name, read(name)]));
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

const browser = (languages, remembered) => {
  const kept = new Map(remembered ? [["latent-loom.language", remembered]] : []);
  globalThis.document = { documentElement: { lang: "en" } };
  Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
  };
  return kept;
};

beforeEach(async () => {
  browser(["en"]);
  await setLanguage("en");
});

test("a text in Korean has the places of the English one", () => {
  for (const [key, text] of Object.entries(ko)) assert.deepEqual(places(text), places(en[key]), key);
});

test("no text is empty, and none still stands in English where Korean has words", () => {
  for (const [key, text] of Object.entries(ko)) {
    assert.ok(text.trim() && en[key].trim(), key);
    const said = en[key].replace(/\{\w+\}/g, "");
    if (/[a-z]{3,} [a-z]{3,}/i.test(said)) assert.notEqual(text, en[key], key);
  }
});

test("a form for one thing comes with one for several, which is given the same", () => {
  for (const key of Object.keys(en).filter((each) => each.endsWith(".one"))) {
    const other = key.replace(/one$/, "other");
    assert.ok(other in en, key);
    for (const place of places(en[key])) assert.ok(places(en[other]).includes(place), key);
  }
});

test("every text is used", () => {
  const code = [...sources.values()].join("\n");
  const quoted = new Set([...code.matchAll(/["'`]([\w+-]+(?:\.[\w+-]+)+)["'`]/g)].map(([, key]) => key));
  const prefixes = [...code.matchAll(/`([\w-]+\.[\w.-]*)\$\{/g)].map(([, prefix]) => prefix);
  const used = (key) => quoted.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
  const idle = Object.keys(en).filter((key) => !used(key.replace(/\.(one|other)$/, "")) && !used(key));
  assert.deepEqual(idle, []);
});

test("every title of a refused request has a Korean word, and no other has", () => {
  const python = readFileSync(new URL("../server/problems.py", frontend), "utf8");
  const codes = [...python.matchAll(/^ {4}"([a-z_]+)": \(\d{3}, "/gm)].map(([, code]) => `problem.${code}`);
  const known = Object.keys(koTerms).filter((key) => key.startsWith("problem."));
  assert.ok(codes.length > 50);
  assert.deepEqual(known.sort(), codes.sort());
});

test("what a task says that it does has a Korean word, and nothing else has", () => {
  const tasks = ["filming.py", "engine/editing.py", "engine/direction_search.py"];
  const python = tasks.map((name) => readFileSync(new URL(`../server/${name}`, frontend), "utf8")).join("\n");
  const said = new Set([...python.matchAll(/\breport\("([^"]+)"/g)].map(([, note]) => `task.${note}`));
  assert.deepEqual(Object.keys(koTerms).filter((key) => key.startsWith("task.")), [...said].sort());
});

// What a person reads or hears: children of elements, and these properties.
const SAID = /(?:"aria-(?:label|valuetext|description)"|title|label|hint|alt|placeholder|detail|note)$/;
const NAMES = /^(Latent Loom|latentloom [\w ]+|GANSpace|SeFa|LPIPS|Ctrl|Alt|Shift|Mod|Enter|Escape|Backspace|Delete|Tab|Home|End|Page(Up|Down)|Arrow\w+|Content-\w+|[A-Z]+)$/;

/** The literals of a source, each with the property or call that it stands in. */
function* literals(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/(^|\s)\/\/.*$/gm, " ");
  const pattern = /"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
  for (const { 0: whole, 1: quoted, 2: template, index } of code.matchAll(pattern)) {
    if (/^\s*:/.test(code.slice(index + whole.length)) && quoted !== undefined) continue; // a property's name
    const before = code.slice(Math.max(0, index - 300), index);
    if (/[=!]==\s*$/.test(before)) continue; // compared with, not shown
    const statement = before.slice(Math.max(...[",", "{", "(", ";"].map((each) => before.lastIndexOf(each))) + 1);
    yield { text: quoted ?? template.replace(/\$\{[^}]*\}+/g, "…"), where: statement.split(":")[0].trim() };
  }
}

const isProse = (text) => /^[A-Z][a-z]+( |$|…|\.)/.test(text) || /[a-z]{2,}[.…?!]$/.test(text);
const hasWord = (text) => /[A-Za-z]{2,}/.test(text);

test("views and dialogs say nothing but what the message files hold", () => {
  const bare = [];
  for (const [name, source] of sources) {
    if (!name.includes("/")) continue;
    for (const { text, where } of literals(source)) {
      const isText = SAID.test(where) ? hasWord(text.replaceAll("…", "")) : isProse(text);
      const isKey = text in en || Object.keys(en).some((key) => key.startsWith(`${text}.`));
      const isPath = /\.(js|css)$|^\.|^https?:/.test(text);
      if (isText && !isKey && !isPath && !NAMES.test(text)) bare.push(`${name}: ${where} ${text}`);
    }
  }
  assert.deepEqual(bare, []);
});

test("the page of the login says in English what its message file says", () => {
  const html = read("login.html");
  const said = [...html.matchAll(/data-text="([^"]+)"[^>]*>\s*([^<]*?)\s*</g)];
  assert.ok(said.length > 4);
  for (const [, key, text] of said) assert.equal(text.replace(/\s+/g, " "), en[key], key);
});

test("a text is filled in, its numbers as the language writes them", () => {
  assert.equal(t("search.inLine", { position: 12345 }), "Waiting, number 12,345 in line");
  assert.equal(t("models.choose", { title: "{not a place}" }), "Model: {not a place}. Choose another");
});

test("parts of the page stand in the places of a text", () => {
  const part = {};
  assert.deepEqual(pieces("attributes.reached", { asked: "5", reached: part }), ["asked ", "5", ", reached ", part, ""]);
});

test("one thing is said otherwise than several, where the language does so", async () => {
  assert.equal(plural("ladder.steps", 1), "1 step");
  assert.equal(plural("ladder.stepsAbout", 1200, { time: "5 s" }), "1,200 steps, about 5 s");
  await setLanguage("ko");
  assert.equal(plural("ladder.steps", 1), "1회 반복");
});

test("another language speaks at once, and is told of and remembered", async () => {
  const kept = browser(["en-GB"]);
  let told = 0;
  const stop = onLanguage(() => (told += 1));
  await setLanguage("ko");
  stop();
  assert.equal(t("action.close"), "닫기");
  assert.equal(document.documentElement.lang, "ko");
  assert.equal(kept.get("latent-loom.language"), "ko");
  await setLanguage("en");
  assert.equal(told, 1);
});

test("the first visit speaks the first of the reader's languages that there is", async () => {
  browser(["fr-FR", "ko-KR", "en"]);
  await startLanguage();
  assert.equal(currentLanguage(), "ko");
  browser(["fr-FR"]);
  await startLanguage();
  assert.equal(currentLanguage(), "en");
});

test("a later visit speaks what was chosen, unless there is no such language any more", async () => {
  browser(["en"], "ko");
  await startLanguage();
  assert.equal(currentLanguage(), "ko");
  browser(["en"], "tlh");
  await startLanguage();
  assert.equal(currentLanguage(), "en");
});

test("of two languages chosen one after the other the second counts", async () => {
  await Promise.all([setLanguage("ko"), setLanguage("en")]);
  assert.equal(t("action.close"), "Close");
});

test("what the server names has the language's own word, or the server's", async () => {
  assert.equal(term("attribute.age", "Age"), "Age");
  await setLanguage("ko");
  assert.equal(term("attribute.age", "Age"), "나이");
  assert.equal(term("attribute.freckles", "Freckles"), "Freckles");
});

test("dates and lists are written as the language writes them", async () => {
  const day = [new Date(2026, 10, 22), { dateStyle: "long" }];
  assert.equal(formatDate(...day), "November 22, 2026");
  assert.equal(formatList(["A", "B", "C"]), "A, B, and C");
  await setLanguage("ko");
  assert.equal(formatDate(...day), "2026년 11월 22일");
  assert.equal(formatList(["A", "B", "C"]), "A, B 및 C");
});
