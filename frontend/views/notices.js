// Messages: what went wrong and what to do, and the banner of a lost connection.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { IconButton } from "./controls.js";
import { Icon } from "./icons.js";

/** @import { View } from "./app.js" */

/** @param {View} view */
export function Toasts({ state, store }) {
  return h(
    "div",
    { class: "toasts", role: "alert", "data-testid": "toasts" },
    state.toasts.map(({ id, tone, title, detail, hint, times }) =>
      h(
        "div",
        { key: id, class: `toast ${tone}`, "data-testid": "toast" },
        h(Icon, { name: "warning" }),
        h(
          "div",
          null,
          h("strong", null, times > 1 ? `${title} (${times} times)` : title),
          detail && h("p", null, detail),
          hint && h("p", { class: "hint" }, hint),
        ),
        h(IconButton, {
          icon: "close",
          label: "Dismiss",
          testid: "toast-dismiss",
          quiet: true,
          onClick: () => store.dispatch({ type: "toast-dismissed", id }),
        }),
      ),
    ),
  );
}

/** @param {View} view */
export function ConnectionBanner({ state, editor }) {
  const { phase, retryAt, refusal } = state.connection;
  const [, tick] = useState(0);
  useEffect(() => {
    if (phase !== "lost") return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 500);
    return () => clearInterval(timer);
  }, [phase]);
  if (phase !== "lost") return null;
  const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
  return h(
    "div",
    { class: "banner", role: "status", "data-testid": "connection-banner" },
    h(Icon, { name: "warning" }),
    refusal
      ? h("span", null, h("strong", null, `${refusal.title}.`), ` ${refusal.detail} ${refusal.hint}`)
      : h(
          "span",
          null,
          h("strong", null, "Connection lost."),
          " Your edits are kept here and sent when it is back.",
        ),
    h(
      "span",
      { class: "banner-when", "aria-hidden": "true" },
      seconds ? `Trying again in ${seconds} s` : "Trying now…",
    ),
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": "reconnect",
        disabled: retryAt === null,
        onClick: () => editor.reconnect(),
      },
      "Try now",
    ),
  );
}
