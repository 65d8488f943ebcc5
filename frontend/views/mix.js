// A second face: its layers from a crossover on.

import { h } from "../vendor/preact.js";
import { plainDocument, withMix } from "../document.js";
import { modelOf } from "../selectors.js";
import { Switch } from "./controls.js";
import { SeedField, randomSeed } from "./seed.js";
import { Slider } from "./slider.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { MixSettings } from "../document.js" */
/** @import { View } from "./app.js" */

/**
 * What the rows between a model's borders say: coarse ones the head, middle ones its features, the rest colour
 * and detail (StyleGAN, section 3.1).
 */
const BANDS = [
  { name: "Coarse", detail: "pose, shape" },
  { name: "Middle", detail: "features, hair" },
  { name: "Fine", detail: "colour, detail" },
];
/** The first middle row of most models, where the crossover starts out. */
const USUAL_BORDERS = [4, 8];

/** @param {View} view */
export function Mix({ state, store, editor }) {
  const model = modelOf(state);
  const { document, mix } = state;
  const layers = model?.num_ws ?? 12;
  const borders = model?.mix_borders ?? USUAL_BORDERS;
  /** @param {Partial<MixSettings>} change @param {import("../editor.js").Manner} [manner] */
  const set = (change, manner) => {
    const next = { ...mix, ...change };
    if (document && model) editor.change(withMix(document, next, model), manner);
    store.dispatch({ type: "mix", mix: next });
  };
  return h(
    "section",
    { class: "panel", id: "mix", "aria-labelledby": "mix-title" },
    h(
      "header",
      null,
      h("h2", { id: "mix-title" }, "Mix"),
      h(Switch, {
        label: "On",
        testid: "mix-enable",
        checked: mix.enabled,
        onChange: (enabled) => set({ enabled }),
      }),
    ),
    h(
      "div",
      { class: mix.enabled ? "mix-source" : "mix-source off" },
      model && state.picture !== "loading"
        ? h(Thumbnail, { document: plainDocument(model.name, mix.seed, model.default_psi), model })
        : h("span", { class: "thumbnail" }),
      h(SeedField, {
        seed: mix.seed,
        disabled: !model,
        testid: "mix-seed",
        label: "Second seed",
        onSeed: (seed) => set({ seed, enabled: true }),
      }),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "mix-dice",
          "aria-label": "New second face",
          disabled: !model,
          onClick: () => set({ seed: randomSeed(), enabled: true }),
        },
        "New",
      ),
    ),
    h(Slider, {
      name: "crossover",
      testid: "crossover",
      label: "From layer",
      hint: "The first layer that is taken from the second face",
      minimum: 0,
      maximum: layers,
      step: 1,
      value: model ? Math.min(mix.crossover, layers) : undefined,
      original: borders[0],
      disabled: !mix.enabled,
      onChange: (crossover, held) => set({ crossover }, { gesture: "crossover", held }),
      onRelease: () => editor.release(),
      onReset: () => set({ crossover: borders[0] }),
    }),
    h(Bands, {
      crossover: mix.crossover,
      borders,
      layers,
      on: mix.enabled,
      onBand: (crossover) => set({ crossover, enabled: true }),
    }),
    h(Slider, {
      name: "mix-strength",
      label: "Strength",
      minimum: 0,
      maximum: 1,
      step: 0.01,
      value: mix.strength,
      original: 1,
      disabled: !mix.enabled,
      onChange: (strength, held) => set({ strength }, { gesture: "mix-strength", held }),
      onRelease: () => editor.release(),
      onReset: () => set({ strength: 1 }),
    }),
  );
}

/**
 * Which bands come from the second face; pressing one starts the crossover there.
 * @param {{ crossover: number, borders: number[], layers: number, on: boolean,
 *   onBand: (crossover: number) => void }} props
 */
function Bands({ crossover, borders, layers, on, onBand }) {
  const starts = [0, ...borders];
  return h(
    "div",
    { class: "bands", role: "group", "aria-label": "Take the second face from" },
    BANDS.filter((_, index) => starts[index] < layers).map(({ name, detail }, index) => {
      const first = starts[index];
      const last = Math.min(starts[index + 1] ?? layers, layers);
      const taken = on ? Math.max(0, last - Math.max(first, crossover)) / (last - first) : 0;
      return h(
        "button",
        {
          key: name,
          type: "button",
          class: "band",
          style: { "--taken": `${taken}`, flexGrow: String(last - first) },
          title: `Take layers from ${first} on: ${detail}`,
          "aria-pressed": on && crossover === first,
          "data-testid": `band-${name.toLowerCase()}`,
          onClick: () => onBand(first),
        },
        h("span", null, name),
        h("small", null, detail),
      );
    }),
  );
}
