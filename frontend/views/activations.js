// The way into the network: its layers' activations, fetched when somebody wants to see them.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { useOnDemand } from "./on_demand.js";

/** @import { View } from "./app.js" */

const SHEET = { sheet: async () => (await import("./activation_sheet.js")).ActivationSheet };

/** @param {View} view */
export function Activations({ state, editor }) {
  const [open, setOpen] = useState(false);
  const sheet = useOnDemand(open ? "sheet" : null, SHEET, { editor, onFailed: () => setOpen(false) });
  const { document } = state;
  const model = modelOf(state);
  return h(
    "section",
    { class: "panel", id: "layers", "aria-labelledby": "layers-title" },
    h(
      "header",
      null,
      h("h2", { id: "layers-title" }, t("section.layers")),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "activations-open",
          "aria-expanded": open,
          disabled: !document || !model,
          onClick: () => setOpen(!open),
        },
        open ? t("activations.hide") : t("activations.show"),
      ),
    ),
    h("p", { class: "note" }, t("activations.note")),
    document && model && sheet && h(sheet, { document, model }),
  );
}
