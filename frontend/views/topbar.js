// The bar on top: name, model, connection, history, export, theme.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { canRedo, canUndo } from "../history.js";
import { LANGUAGES, currentLanguage, setLanguage, t } from "../language.js";
import { Account } from "./account.js";
import { IconButton } from "./controls.js";
import { ExportButton } from "./exporting.js";
import { Icon, Mark } from "./icons.js";
import { ModelButton } from "./models.js";

/** @import { Connection } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function TopBar(view) {
  const { state, store, editor } = view;
  return h(
    "header",
    { class: "topbar" },
    h("h1", { class: "brand" }, h(Mark, null), h("span", null, "Latent Loom")),
    h(ModelButton, view),
    h(ConnectionPill, { connection: state.connection }),
    h("div", { class: "spacer" }),
    h(IconButton, {
      icon: "undo",
      label: t("key.undo"),
      testid: "undo",
      keys: "Ctrl+Z",
      disabled: !canUndo(state.history),
      onClick: () => editor.step("undo"),
    }),
    h(IconButton, {
      icon: "redo",
      label: t("key.redo"),
      testid: "redo",
      keys: "Ctrl+Shift+Z",
      disabled: !canRedo(state.history),
      onClick: () => editor.step("redo"),
    }),
    h(ExportButton, view),
    h(LanguageChoice, { editor }),
    h(
      "span",
      { class: "wide-only" },
      h(IconButton, {
        icon: "keyboard",
        label: t("keys.open"),
        testid: "open-keys",
        keys: "?",
        onClick: () => store.dispatch({ type: "tools", change: { dialog: "keys", refusal: null } }),
      }),
    ),
    h("span", { class: "wide-only" }, h(ThemeToggle, { testid: "theme" })),
    h(Account, null),
  );
}

/** On a narrow page: what the bar on top has no room for. */
export function Foot() {
  return h("footer", { class: "foot" }, h(ThemeToggle, { testid: "theme-below" }));
}

/** @param {{ connection: Connection }} props */
function ConnectionPill({ connection }) {
  return h(
    "span",
    { class: "pill", "data-testid": "connection", "data-state": connection.phase, role: "status" },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "pill-text" }, t(`connection.${connection.phase}`)),
  );
}

/** @param {{ editor: View["editor"] }} props */
function LanguageChoice({ editor }) {
  return h(
    "label",
    { class: "icon-button language", title: t("app.language") },
    h(Icon, { name: "globe" }),
    h(
      "select",
      {
        "aria-label": t("app.language"),
        "data-testid": "language",
        value: currentLanguage(),
        onChange: (/** @type {{ currentTarget: HTMLSelectElement }} */ event) => {
          const code = /** @type {typeof LANGUAGES[number][0]} */ (event.currentTarget.value);
          setLanguage(code).catch((error) => editor.report(error));
        },
      },
      LANGUAGES.map(([code, name]) => h("option", { key: code, value: code, lang: code }, name)),
    ),
  );
}

/** @param {{ testid: string }} props */
function ThemeToggle({ testid }) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? system);
  const other = theme === "dark" ? "light" : "dark";
  const onClick = () => {
    document.documentElement.dataset.theme = other;
    localStorage.setItem("latent-loom.theme", other);
    setTheme(other);
  };
  return h(IconButton, {
    icon: theme === "dark" ? "sun" : "moon",
    label: other === "dark" ? t("theme.toDark") : t("theme.toLight"),
    testid,
    onClick,
  });
}
