// The bar on top: name, model, connection, history, export, theme.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { Account } from "./account.js";
import { IconButton } from "./controls.js";
import { Icon, Mark } from "./icons.js";
import { ModelButton } from "./models.js";

/** @import { Connection } from "../state.js" */
/** @import { View } from "./app.js" */

const PHASES = { connecting: "Connecting", open: "Connected", lost: "Reconnecting" };

/** @param {View} view */
export function TopBar(view) {
  const { state, editor } = view;
  return h(
    "header",
    { class: "topbar" },
    h("h1", { class: "brand" }, h(Mark, null), h("span", null, "Latent Loom")),
    h(ModelButton, view),
    h(ConnectionPill, { connection: state.connection }),
    h("div", { class: "spacer" }),
    h(IconButton, {
      icon: "undo",
      label: "Undo",
      testid: "undo",
      keys: "Ctrl+Z",
      disabled: !state.past.length,
      onClick: () => editor.step("undo"),
    }),
    h(IconButton, {
      icon: "redo",
      label: "Redo",
      testid: "redo",
      keys: "Ctrl+Shift+Z",
      disabled: !state.future.length,
      onClick: () => editor.step("redo"),
    }),
    h(Download, { editor, ready: state.picture !== "loading" }),
    h(ThemeToggle, null),
    h(Account, null),
  );
}

/** @param {{ connection: Connection }} props */
function ConnectionPill({ connection }) {
  return h(
    "span",
    { class: "pill", "data-testid": "connection", "data-state": connection.phase, role: "status" },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "pill-text" }, PHASES[connection.phase]),
  );
}

/** @param {{ editor: View["editor"], ready: boolean }} props */
function Download({ editor, ready }) {
  const [busy, setBusy] = useState(false);
  const onClick = async () => {
    setBusy(true);
    await editor.download();
    setBusy(false);
  };
  return h(
    "button",
    {
      type: "button",
      class: "button",
      "data-testid": "download",
      "aria-label": "Download PNG",
      title: "Download this picture as PNG",
      disabled: !ready || busy,
      onClick,
    },
    h(Icon, { name: "download" }),
    h("span", { class: "wide-only" }, busy ? "Rendering…" : "Download"),
  );
}

function ThemeToggle() {
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
    label: `Switch to the ${other} theme`,
    testid: "theme",
    onClick,
  });
}
