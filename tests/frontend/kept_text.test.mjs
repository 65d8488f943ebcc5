// Texts that are kept and shown later (frontend/kept_text.js): notices in the language of the moment.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ProblemError } from "../../frontend/api.js";
import { directionName } from "../../frontend/direction_names.js";
import { message, spoken } from "../../frontend/kept_text.js";
import { setLanguage, t } from "../../frontend/language.js";
import { initialState, reduce } from "../../frontend/state.js";

globalThis.document = { documentElement: { lang: "en" } };
globalThis.localStorage = { getItem: () => null, setItem: () => undefined };

beforeEach(() => setLanguage("en"));

/** @param {any} texts */
const toast = (texts) => ({ type: "toast", tone: "error", title: "", detail: "", hint: "", ...texts });

test("a notice speaks the language that the page has when it is read, not when it was made", async () => {
  const { toasts } = reduce(initialState, toast({ title: message("search.percent", { percent: 25 }) }));
  const before = spoken(toasts[0].title);
  await setLanguage("ko");
  assert.equal(spoken(toasts[0].title), t("search.percent", { percent: 25 }));
  assert.notEqual(spoken(toasts[0].title), before);
});

test("a problem of the server's has the page's title, and its own words where the page has none", async () => {
  const { title, detail } = new ProblemError({ code: "no_face", title: "No face", detail: "None is on it." });
  assert.equal(spoken(title), "No face");
  await setLanguage("ko");
  assert.equal(spoken(title), "얼굴을 찾지 못했습니다");
  assert.equal(spoken(detail), "None is on it.");
  assert.equal(spoken(new ProblemError({ title: message("error.notConnected") }).title), t("error.notConnected"));
});

test("several texts are said after one another, without those that are empty", () => {
  assert.equal(spoken(["One.", "", message("error.inAMoment")]), "One. Try again in a moment.");
});

test("the same notice again is counted, another one is not taken for it", () => {
  const some = (/** @type {number} */ percent) => toast({ title: message("search.percent", { percent }) });
  const { toasts } = [some(25), some(25), some(50)].reduce(reduce, initialState);
  assert.deepEqual(
    toasts.map(({ times }) => times),
    [2, 1],
  );
});

test("directions that were found by themselves have names in the page's language, others keep theirs", async () => {
  const names = ["Map axis 3", "W component 2", "16x16 component 4", "SeFa 0-7 #1", "My map axis"];
  assert.deepEqual(names.map(directionName), names);
  await setLanguage("ko");
  assert.deepEqual(names.map(directionName).slice(3), names.slice(3));
  assert.equal(directionName("Map axis 3"), "지도 축 3");
  assert.equal(directionName("16x16 component 4"), "16x16 성분 4");
});
