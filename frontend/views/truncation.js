// Truncation: how far a face is drawn towards the average one, and in how many layers.

import { Fragment, h } from "../vendor/preact.js";
import { withCutoff, withPsi } from "../document.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { Slider } from "./slider.js";

/** @import { ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const PSI = { minimum: 0, maximum: 1.5, step: 0.01 };
const MOST_MODELS_PSI = 0.7;

/** Of a seed's face. @param {ModelInfo | null} model */
export const usualPsi = (model) => model?.default_psi ?? MOST_MODELS_PSI;

/** @param {View} view */
export function Truncation({ state, editor }) {
  const model = modelOf(state);
  const { document } = state;
  const psi = document?.base.truncation_psi;
  const own = document?.base.kind === "latent" ? 1 : usualPsi(model);
  const layers = model?.num_ws ?? 0;
  const cutoff = document?.base.truncation_cutoff ?? layers;
  /** @param {number} count @param {import("../editor.js").Manner} [manner] */
  const cut = (count, manner) =>
    document && editor.change(withCutoff(document, count >= layers ? null : count), manner);
  return h(
    Fragment,
    null,
    h(Slider, {
      name: "psi",
      testid: "psi",
      label: t("explore.psi"),
      hint: t("explore.psiHint"),
      ...PSI,
      value: psi,
      original: own,
      onChange: (value, held) =>
        document && editor.change(withPsi(document, value), { gesture: "psi", held }),
      onRelease: () => editor.release(),
      onReset: () => document && editor.change(withPsi(document, own)),
    }),
    h(Slider, {
      name: "cutoff",
      label: t("explore.cutoff"),
      hint: t("explore.cutoffHint"),
      minimum: 0,
      maximum: Math.max(layers, 1),
      step: 1,
      value: model && document ? cutoff : undefined,
      original: layers,
      note: h(
        "p",
        { class: "note cutoff-note", "data-testid": "cutoff-note" },
        cutoff >= layers ? t("explore.cutoffAll") : t("explore.cutoffSome", { count: cutoff, layers }),
      ),
      onChange: (count, held) => cut(count, { gesture: "cutoff", held }),
      onRelease: () => editor.release(),
      onReset: () => cut(layers),
    }),
  );
}
