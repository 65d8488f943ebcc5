// Messages: what went wrong and what to do, and the banner of a lost connection.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { spoken } from "../kept_text.js";
import { t } from "../language.js";
import { IconButton } from "./controls.js";
import { Icon } from "./icons.js";

/** @import { Store, Toast } from "../state.js" */
/** @import { View } from "./app.js" */

/** How long what only informs stays: the page shows what it says anyway. */
const INFORMS_MS = 8000;

/** @param {View} view */
export function Toasts({ state, store }) {
  return h(
    "div",
    { class: "toasts", role: "alert", "data-testid": "toasts" },
    state.toasts.map((toast) => h(ToastNote, { key: toast.id, toast, store })),
  );
}

/** @param {{ toast: Toast, store: Store }} props */
function ToastNote({ toast, store }) {
  const { id, tone, times } = toast;
  const [title, detail, hint] = [toast.title, toast.detail, toast.hint].map(spoken);
  const dismiss = () => store.dispatch({ type: "toast-dismissed", id });
  useEffect(() => {
    if (tone !== "info") return undefined;
    const timer = setTimeout(dismiss, INFORMS_MS);
    return () => clearTimeout(timer);
  }, [id, times]);
  return h(
    "div",
    { class: `toast ${tone}`, "data-testid": "toast", "data-tone": tone },
    h(Icon, { name: tone === "info" ? "done" : "warning" }),
    h(
      "div",
      null,
      h("strong", null, times > 1 ? t("notice.times", { title, times }) : title),
      detail && h("p", null, detail),
      hint && h("p", { class: "hint" }, hint),
    ),
    h(IconButton, {
      icon: "close",
      label: t("notice.dismiss"),
      testid: "toast-dismiss",
      quiet: true,
      onClick: dismiss,
    }),
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
      ? h("span", null, h("strong", null, `${spoken(refusal.title)}.`), ` ${spoken([refusal.detail, refusal.hint])}`)
      : h(
          "span",
          null,
          h("strong", null, t("connection.lostTitle")),
          ` ${t("connection.kept")}`,
        ),
    h(
      "span",
      { class: "banner-when", "aria-hidden": "true" },
      seconds ? t("connection.tryingIn", { seconds }) : t("connection.tryingNow"),
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
      t("connection.tryNow"),
    ),
  );
}
