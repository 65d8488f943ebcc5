// The fine random detail: another draw of it, more or less of it.

import { h } from "../vendor/preact.js";
import { PLAIN_NOISE } from "../document.js";
import { Icon } from "./icons.js";
import { randomSeed } from "./seed.js";
import { Slider } from "./slider.js";

/** @import { NoiseSpec } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Noise({ state, editor }) {
  const { document } = state;
  const noise = document?.noise ?? PLAIN_NOISE;
  const plain = noise.seed === null && noise.strength === 1;
  /** @param {Partial<NoiseSpec>} change @param {import("../editor.js").Manner} [manner] */
  const set = (change, manner) =>
    document && editor.change({ ...document, noise: { ...noise, ...change } }, manner);
  return h(
    "section",
    { class: "panel", id: "noise", "aria-labelledby": "noise-title" },
    h(
      "header",
      null,
      h("h2", { id: "noise-title" }, "Noise"),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "noise-reset",
          disabled: plain,
          onClick: () => set(PLAIN_NOISE),
        },
        "Reset noise",
      ),
    ),
    h(Slider, {
      name: "noise-strength",
      label: "Strength",
      minimum: 0,
      maximum: 2,
      step: 0.01,
      value: document ? noise.strength : undefined,
      original: 1,
      onChange: (strength, held) => set({ strength }, { gesture: "noise-strength", held }),
      onRelease: () => editor.release(),
      onReset: () => set({ strength: 1 }),
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
          onClick: () => set({ seed: randomSeed() % 1_000_000 }),
        },
        h(Icon, { name: "noise" }),
        "Resample",
      ),
      h(
        "span",
        { class: "note" },
        noise.seed === null ? "The model's own noise" : `Noise seed ${noise.seed}`,
      ),
    ),
  );
}
