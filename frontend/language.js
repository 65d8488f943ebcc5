// The words of the page in the reader's language, and numbers and dates as they are written there.

import { en } from "./languages/en.js";

/** @import { MessageKey, Messages, PluralKey, Terms, Values } from "./language_types.js" */
/** @typedef {number | string} Value */
/** @typedef {keyof typeof LOADERS} Language */

/** What is fetched for a language; English is always there: the server speaks it too. */
const LOADERS = {
  en: async () => ({ messages: /** @type {Messages} */ (en), terms: /** @type {Terms} */ ({}) }),
  ko: async () => {
    const { ko, koTerms } = await import("./languages/ko.js");
    return { messages: ko, terms: /** @type {Terms} */ (koTerms) };
  },
};

/** What each language calls itself. @type {[Language, string][]} */
export const LANGUAGES = [
  ["en", "English"],
  ["ko", "한국어"],
];

const REMEMBERED_AS = "latent-loom.language";

let language = /** @type {Language} */ ("en");
let messages = /** @type {Record<string, string>} */ (en);
let terms = /** @type {Terms} */ ({});
let asked = 0;
/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * The text of a key, with its {places} filled in. Numbers are written as the language writes them.
 * @template {MessageKey} K
 * @param {K} key
 * @param {Values<K>} values
 * @returns {string}
 */
export const t = (key, ...values) => filled(messages[key], values[0] ?? {});

/**
 * The same with parts of the page in the places, as children of an element.
 * @template {MessageKey} K
 * @param {K} key
 * @param {Record<string, import("./vendor/preact.js").ComponentChildren>} parts
 */
export const pieces = (key, parts) =>
  messages[key].split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? parts[piece] : piece));

/**
 * The form that a count asks for: keys "key.one" and "key.other", in which {count} stands for it.
 * @param {PluralKey} key
 * @param {number} count
 * @param {Record<string, Value>} [values]
 */
export function plural(key, count, values) {
  const form = new Intl.PluralRules(language).select(count);
  const text = messages[`${key}.${form}`] ?? messages[`${key}.other`];
  return filled(text, { count, ...values });
}

/**
 * What the page calls something that the server names in English: an attribute, the title of a problem.
 * @param {string} key such as "attribute.age" or "problem.unknown_model"
 * @param {string} own the server's word, where the language has none of its own
 */
export const term = (key, own) => terms[key] ?? own;

/** @param {string} text @param {Record<string, Value>} values */
const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (place, name) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === "number" ? formatNumber(value) : value;
  });

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export const formatNumber = (value, options) => new Intl.NumberFormat(language, options).format(value);

/** @param {Date} date @param {Intl.DateTimeFormatOptions} [options] */
export const formatDate = (date, options = { dateStyle: "medium", timeStyle: "short" }) =>
  new Intl.DateTimeFormat(language, options).format(date);

/** Several things after one another, with "and" before the last. @param {string[]} parts */
export const formatList = (parts) => new Intl.ListFormat(language).format(parts);

export const currentLanguage = () => language;

/** Tells when the words have changed. @param {() => void} listener @returns {() => void} stops it */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The page in another language, now and at the next visit. @param {Language} code */
export async function setLanguage(code) {
  await speak(code);
  localStorage.setItem(REMEMBERED_AS, code);
}

/** The remembered language, or the first of the browser's that there is. */
export function startLanguage() {
  const remembered = localStorage.getItem(REMEMBERED_AS);
  const wanted = [remembered ?? "", ...navigator.languages].map((each) => each.split("-")[0]);
  return speak(wanted.find(isLanguage) ?? "en");
}

/** @param {string} code @returns {code is Language} */
const isLanguage = (code) => Object.hasOwn(LOADERS, code);

/** The last one asked for counts, whichever arrives last. @param {Language} code */
async function speak(code) {
  const turn = ++asked;
  const loaded = await LOADERS[code]();
  if (turn !== asked) return;
  language = code;
  ({ messages, terms } = loaded);
  document.documentElement.lang = code;
  for (const listener of listeners) listener();
}
