// The sheet of the keys that can be pressed now.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { shortcuts } from "../shortcuts.js";
import { Dialog } from "./dialog.js";

/** @import { View } from "../views/app.js" */

const IS_MAC = /^Mac|^iP/.test(navigator.platform);
const NAMES = /** @type {Record<string, string>} */ ({
  Mod: IS_MAC ? "⌘" : "Ctrl",
  Alt: IS_MAC ? "⌥" : "Alt",
  Shift: IS_MAC ? "⇧" : "Shift",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
});

/** @param {View} view */
export function Keys({ directing }) {
  const [sought, setSought] = useState("");
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), []); // the dialog is open by now; autofocus would complain on the console
  const rows = listed().filter(({ text, keys }) => `${text} ${keys.join(" ")}`.toLowerCase().includes(sought));
  return h(
    Dialog,
    { title: t("keys.title"), testid: "keys", onClose: () => directing.open(null) },
    h("input", {
      ref: field,
      type: "text",
      class: "find",
      "aria-label": t("keys.find"),
      placeholder: t("keys.find"),
      "data-testid": "keys-find",
      value: sought,
      onInput: (event) => setSought(event.currentTarget.value.trim().toLowerCase()),
    }),
    h(
      "dl",
      { class: "keys" },
      rows.map(({ text, keys }) =>
        h(
          "div",
          { key: text, "data-testid": "keys-row" },
          h("dt", null, text),
          h("dd", null, keys.map(Combination)),
        ),
      ),
    ),
    rows.length === 0 && h("p", { class: "note", role: "status" }, t("keys.none")),
    h("p", { class: "note" }, t("keys.always")),
  );
}

/** Each action once, with all its keys. @returns {{ text: string, keys: string[] }[]} */
function listed() {
  const byText = new Map();
  for (const { keys, message } of shortcuts()) {
    const text = t(message);
    byText.set(text, [...(byText.get(text) ?? []), keys]);
  }
  return [...byText].map(([text, keys]) => ({ text, keys }));
}

/** @param {string} keys */
const Combination = (keys) =>
  h(
    "span",
    { key: keys },
    (keys === "+" ? [keys] : keys.split("+")).map((each) => h("kbd", { key: each }, NAMES[each] ?? each.toUpperCase())),
  );
