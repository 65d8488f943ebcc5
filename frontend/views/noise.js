// The fine random detail: another draw of it, more or less of it, for all layers or for one.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { PLAIN_NOISE, isPlain, noiseOf, withNewDraw } from "../noise_layers.js";
import { modelOf } from "../selectors.js";
import { Icon } from "./icons.js";
import { NoiseLayers, newNoiseSeed } from "./noise_layers.js";
import { Slider } from "./slider.js";

/** @import { Manner } from "../editor.js" */
/** @import { NoiseSpec } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Noise({ state, editor }) {
  const [open, setOpen] = useState(false);
  const { document } = state;
  const model = modelOf(state);
  const noise = noiseOf(document);
  /** @param {NoiseSpec} next @param {Manner} [manner] */
  const change = (next, manner) => document && editor.change({ ...document, noise: next }, manner);
  return h(
    "section",
    { class: "panel", id: "noise", "aria-labelledby": "noise-title" },
    h(
      "header",
      null,
      h("h2", { id: "noise-title" }, t("section.noise")),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "noise-reset",
          disabled: isPlain(noise),
          onClick: () => change(PLAIN_NOISE),
        },
        t("noise.reset"),
      ),
    ),
    h(Slider, {
      name: "noise-strength",
      label: t("noise.strength"),
      minimum: 0,
      maximum: 2,
      step: 0.01,
      value: document ? noise.strength : undefined,
      original: 1,
      onChange: (strength, held) =>
        change({ ...noise, strength }, { gesture: "noise-strength", held }),
      onRelease: () => editor.release(),
      onReset: () => change({ ...noise, strength: 1 }),
    }),
    h(
      "div",
      { class: "row" },
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "noise-resample",
          disabled: !document,
          title: t("noise.resampleHint"),
          onClick: () => change(withNewDraw(noise, newNoiseSeed())),
        },
        h(Icon, { name: "noise" }),
        t("noise.resample"),
      ),
      h(
        "span",
        { class: "note" },
        noise.seed === null ? t("noise.stored") : t("noise.seed", { seed: String(noise.seed) }),
      ),
    ),
    h(
      "details",
      {
        class: "more",
        "data-testid": "noise-layers",
        onToggle: (/** @type {{ currentTarget: HTMLDetailsElement }} */ event) =>
          setOpen(event.currentTarget.open),
      },
      h("summary", null, t("noise.layers"), h(Changed, { noise })),
      open && document && model && h(NoiseLayers, { document, model, noise, editor, change }),
    ),
  );
}

/** How many layers differ from the rest. @param {{ noise: NoiseSpec }} props */
function Changed({ noise }) {
  const count = Object.keys(noise.layers).length;
  return count > 0 ? h("span", { class: "count" }, count) : null;
}
