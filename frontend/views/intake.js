// Photos that are dropped or pasted anywhere on the page.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { Icon } from "./icons.js";

/** @param {{ onFile: (file: File) => void }} props */
export function Intake({ onFile }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
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
        const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
        if (file) onFile(file);
      },
    });
    const entries = /** @type {[string, EventListener][]} */ (Object.entries(listeners));
    for (const [type, listener] of entries) addEventListener(type, listener);
    return () => {
      for (const [type, listener] of entries) removeEventListener(type, listener);
    };
  }, []);
  if (!over) return null;
  return h(
    "div",
    { class: "drop", "data-testid": "drop" },
    h(Icon, { name: "photo" }),
    h("p", null, "Drop the photo to look for faces on it"),
  );
}
