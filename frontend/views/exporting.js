// Taking the picture away: one press for PNG, another for all the rest.

import { h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { useShortcut } from "../shortcuts.js";
import { Icon } from "./icons.js";

/** @import { View } from "./app.js" */

/** @param {View} view */
export function ExportButton({ state, exporting }) {
  const [busy, setBusy] = useState(false);
  const ready = state.picture !== "loading";
  const download = async () => {
    setBusy(true);
    await exporting.download();
    setBusy(false);
  };
  const open = useRef(() => exporting.openDialog());
  useShortcut({ keys: "e", message: "key.export" }, open);
  return h(
    "div",
    { class: "split", role: "group", "aria-label": t("export.title") },
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": "download",
        "aria-label": t("export.downloadPng"),
        title: t("export.downloadPngHint"),
        disabled: !ready || busy,
        onClick: () => void download(),
      },
      h(Icon, { name: "download" }),
      h("span", { class: "wide-only" }, busy ? t("export.rendering") : t("export.download")),
    ),
    h(
      "button",
      {
        type: "button",
        class: "button split-more",
        "data-testid": "export-open",
        "aria-label": t("export.open"),
        "aria-haspopup": "dialog",
        title: t("export.openHint"),
        disabled: !ready,
        onClick: () => exporting.openDialog(),
      },
      h(Icon, { name: "down" }),
    ),
  );
}
