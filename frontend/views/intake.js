// Files that are dropped or pasted anywhere on the page, and what is being read of one.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { Icon } from "./icons.js";

/** @param {{ reading: string | null, onFile: (file: File) => void }} props reading: the file being looked into */
export function Intake({ reading, onFile }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const carries = (/** @type {DragEvent} */ event) =>
      event.dataTransfer?.types.some((type) => type.toLowerCase() === "files") ?? false;
    const listeners = /** @type {const} */ ({
      dragover: (/** @type {DragEvent} */ event) => {
        if (!carries(event)) return;
        event.preventDefault();
        setOver(true);
      },
      dragleave: (/** @type {DragEvent} */ event) => event.relatedTarget === null && setOver(false),
      drop: (/** @type {DragEvent} */ event) => {
        if (!carries(event)) return;
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file) onFile(file);
      },
      paste: (/** @type {ClipboardEvent} */ event) => {
        const file = event.clipboardData?.files[0];
        if (file) onFile(file);
      },
    });
    const entries = /** @type {[string, EventListener][]} */ (Object.entries(listeners));
    for (const [type, listener] of entries) addEventListener(type, listener);
    return () => {
      for (const [type, listener] of entries) removeEventListener(type, listener);
    };
  }, []);
  if (over) {
    return h(
      "div",
      { class: "drop", "data-testid": "drop" },
      h(Icon, { name: "photo" }),
      h("p", null, t("intake.drop")),
    );
  }
  return (
    reading !== null &&
    h(
      "div",
      { class: "reading-file", role: "status", "data-testid": "reading-file" },
      h("span", { class: "spinner", "aria-hidden": "true" }),
      t("intake.reading", { name: reading }),
    )
  );
}
