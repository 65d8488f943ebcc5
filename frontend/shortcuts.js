// The keys of the page: which there are while which views are shown, and the one listener that acts on them.

import { useEffect } from "./vendor/hooks.js";

/** @import { PlainKey } from "./language_types.js" */

/**
 * @typedef {object} Shortcut
 * @property {string} keys as on the sheet: "r", "Mod+z", "Mod+Shift+z", "ArrowLeft"; Mod is Ctrl, on a Mac ⌘
 * @property {PlainKey} message what it does
 */
/**
 * What a key does when it goes down and, where it acts as long as it is held, when it comes up. A false answer
 * leaves the key to the browser.
 * @typedef {{ current: ((event: KeyboardEvent) => unknown) | { down: () => unknown, up: () => void } }} Action
 */

/** @type {Map<string, Shortcut & { action: Action }>} */
const registered = new Map();
/** Keys that are held. @type {Map<string, () => void>} */
const held = new Map();

/** What can be pressed now, in the order in which it was registered. @returns {Shortcut[]} */
export const shortcuts = () => [...registered.values()];

/**
 * A key of the page while the view is mounted. It does nothing while a person types, nor behind a dialog.
 * @param {Shortcut} shortcut
 * @param {Action} action read when the key is pressed
 */
export function useShortcut({ keys, message }, action) {
  useEffect(() => register({ keys, message }, action), [keys, message]);
}

/**
 * @param {Shortcut} shortcut
 * @param {Action} action
 * @returns {() => void} takes it away
 */
export function register({ keys, message }, action) {
  const name = keys.toLowerCase();
  if (registered.has(name)) throw new Error(`Two actions for the key ${keys}.`);
  registered.set(name, { keys, message, action });
  return () => {
    registered.delete(name);
    letGo(name);
  };
}

/** Begins to listen. @param {EventTarget} target the window */
export function listenToKeys(target) {
  target.addEventListener("keydown", (event) => onDown(/** @type {KeyboardEvent} */ (event)));
  target.addEventListener("keyup", (event) => letGo(keyOf(/** @type {KeyboardEvent} */ (event))));
  target.addEventListener("blur", () => [...held.keys()].forEach(letGo)); // its keyup goes to another window
}

/** @param {KeyboardEvent} event */
function onDown(event) {
  if (event.defaultPrevented || event.isComposing || isTyping(event.target) || isBehindDialog()) return;
  const name = nameOf(event);
  const shortcut = registered.get(name);
  if (!shortcut) return;
  const action = shortcut.action.current;
  if (typeof action !== "function") {
    if (event.repeat) return;
    held.set(name, action.up);
    action.down();
  } else if ((event.repeat && !name.includes("+")) || action(event) === false) return;
  event.preventDefault();
}

/** @param {string} name */
function letGo(name) {
  held.get(name)?.();
  held.delete(name);
}

/** @typedef {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} Press */

/**
 * How a press is written among the registered ones. Shift counts only beside Mod, Alt and named keys: of a
 * character it is a part.
 * @param {Press} press
 */
export function nameOf(press) {
  const key = keyOf(press);
  const mod = press.ctrlKey || press.metaKey;
  const shift = press.shiftKey && (mod || press.altKey || key.length > 1);
  return [mod && "mod", press.altKey && "alt", shift && "shift", key].filter(Boolean).join("+");
}

/** A keyboard that writes Hangul or Greek is meant by the place of its keys. @param {Press} press */
function keyOf({ key, code }) {
  if (key === " ") return "space";
  const isForeign = key === "Process" || /[^\0-\x7f]/.test(key);
  return (isForeign && code.startsWith("Key") ? code.slice(3) : key).toLowerCase();
}

const TYPED = new Set(["number", "text", "search", "password", "email", "url", "date", "time"]);

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  (target instanceof HTMLInputElement && TYPED.has(target.type)) ||
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLElement && target.isContentEditable);

/** The keys of the page behind a dialog are not meant. */
const isBehindDialog = () => document.querySelector("dialog:modal") !== null;
