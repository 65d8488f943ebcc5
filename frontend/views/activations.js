// The way into the network: its layers' activations, fetched when somebody wants to see them.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";

/** @import { VNode } from "../vendor/preact.js" */
/** @import { SheetProps } from "./activation_sheet.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Activations({ state, editor }) {
  const [open, setOpen] = useState(false);
  const [sheet, setSheet] = useState(
    /** @type {{ view: ((props: SheetProps) => VNode | null) | null }} */ ({ view: null }),
  );
  const { document } = state;
  const model = modelOf(state);
  useEffect(() => {
    if (!open || sheet.view) return;
    import("./activation_sheet.js").then(
      ({ ActivationSheet }) => setSheet({ view: ActivationSheet }),
      (error) => editor.report(error),
    );
  }, [open]);
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
    open && document && model && sheet.view && h(sheet.view, { document, model }),
  );
}
