// Where the sliders start from: what was estimated of the face, corrected by hand where it is wrong.

import { h } from "../vendor/preact.js";
import { withCorrection } from "../edits.js";
import { t } from "../language.js";
import { attributeLabel } from "../readings.js";
import { originalOf } from "../selectors.js";
import { NumberField, ResetButton } from "./slider.js";

/** @import { AttributeInfo, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {Pick<View, "state" | "editor"> & { model: ModelInfo, infos: AttributeInfo[] }} props */
export function Corrections({ state, editor, model, infos }) {
  const { document } = state;
  const original = originalOf(state);
  const count = Object.keys(document?.base_attributes ?? {}).length;
  return h(
    "details",
    { class: "more", "data-testid": "corrections" },
    h("summary", null, t("corrections.title"), count > 0 && h("span", { class: "count" }, count)),
    h(
      "p",
      { class: "note" },
      model.measurable ? t("corrections.measured") : t("corrections.estimated"),
      " ",
      t("corrections.use"),
    ),
    h(
      "div",
      { class: "correction-grid" },
      infos.map((info) => {
        const { name } = info;
        const label = attributeLabel(info);
        const value = document?.base_attributes[name];
        const reset = () => document && editor.change(withCorrection(document, name, undefined));
        return h(
          "div",
          { key: name, class: value === undefined ? "correction" : "correction changed" },
          h("span", null, label),
          h(NumberField, {
            ...info,
            name: `base-${name}`,
            label: t("corrections.valueOf", { label }),
            value: value ?? original?.estimated[name],
            disabled: !original,
            onChange: (typed) => document && editor.change(withCorrection(document, name, typed)),
          }),
          h(ResetButton, {
            name: `base-${name}`,
            label: t("corrections.toEstimate", { label }),
            changed: value !== undefined,
            disabled: false,
            onReset: reset,
          }),
        );
      }),
    ),
  );
}
