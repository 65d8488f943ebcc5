// The noise of each layer: its strength, another draw, frozen or not, and where it acts.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { noiseEffect } from "../inspection_api.js";
import { spoken } from "../kept_text.js";
import { formatNumber, t } from "../language.js";
import { convolutionsOf, sideOf } from "../layer_names.js";
import { isFrozen, layerNoise, withFrozen, withLayerNoise, withoutLayerNoise } from "../noise_layers.js";
import { Icon } from "./icons.js";
import { useRequested } from "./requested.js";
import { randomSeed } from "./seed.js";
import { Slider } from "./slider.js";

/** @import { Editor, Manner } from "../editor.js" */
/** @import { LoomDocument, ModelInfo, NoiseSpec } from "../messages.js" */

/** Short enough to read out. */
export const newNoiseSeed = () => randomSeed() % 1_000_000;

/**
 * @typedef {object} LayersProps
 * @property {LoomDocument} document
 * @property {ModelInfo} model
 * @property {NoiseSpec} noise
 * @property {Editor} editor
 * @property {(noise: NoiseSpec, manner?: Manner) => void} change
 */

/** @param {LayersProps} props */
export function NoiseLayers(props) {
  const [seen, see] = useState(/** @type {number | null} */ (null));
  const count = convolutionsOf(props.model);
  return h(
    "div",
    { class: "noise-layers" },
    Array.from({ length: count }, (_, layer) =>
      h(NoiseLayer, {
        key: layer,
        ...props,
        layer,
        seen: layer === seen,
        onSee: () => see(layer === seen ? null : layer),
      }),
    ),
  );
}

/** @param {LayersProps & { layer: number, seen: boolean, onSee: () => void }} props */
function NoiseLayer({ document, noise, editor, change, layer, seen, onSee }) {
  const own = layerNoise(noise, layer);
  const frozen = isFrozen(noise, layer);
  const side = String(sideOf(layer));
  const gesture = `noise-strength-${layer}`;
  const drawn = own.seed !== noise.seed;
  return h(
    "div",
    { class: "noise-layer", role: "group", "aria-label": t("noise.layer", { layer, side }) },
    h(Slider, {
      name: gesture,
      label: t("noise.layer", { layer, side }),
      hint: own.seed === null ? t("noise.stored") : t("noise.seed", { seed: String(own.seed) }),
      minimum: 0,
      maximum: 2,
      step: 0.01,
      value: own.strength,
      original: 1,
      changed: drawn || own.strength !== 1,
      onChange: (strength, held) => change(withLayerNoise(noise, layer, { strength }), { gesture, held }),
      onRelease: () => editor.release(),
      onReset: () => change(withoutLayerNoise(noise, layer)),
    }),
    h(Tool, {
      icon: "noise",
      label: t("noise.resampleLayer", { layer }),
      testid: `noise-resample-${layer}`,
      onClick: () => change(withLayerNoise(noise, layer, { seed: newNoiseSeed() })),
    }),
    h(Tool, {
      icon: frozen ? "locked" : "unlocked",
      label: t("noise.freeze", { layer }),
      testid: `noise-freeze-${layer}`,
      pressed: frozen,
      onClick: () => change(withFrozen(noise, layer, !frozen)),
    }),
    h(Tool, {
      icon: "search",
      label: t("noise.see", { layer }),
      testid: `noise-see-${layer}`,
      pressed: seen,
      onClick: onSee,
    }),
    seen && h(Effect, { document, layer }),
  );
}

/**
 * @param {{ icon: Parameters<typeof Icon>[0]["name"], label: string, testid: string, pressed?: boolean,
 *   onClick: () => void }} props
 */
const Tool = ({ icon, label, testid, pressed, onClick }) =>
  h(
    "button",
    {
      type: "button",
      class: "icon-button quiet small",
      "aria-label": label,
      "aria-pressed": pressed,
      title: label,
      "data-testid": testid,
      onClick,
    },
    h(Icon, { name: icon }),
  );

/** What the picture would lose without the noise of that layer. @param {{ document: LoomDocument, layer: number }} props */
function Effect({ document, layer }) {
  const { url, said, busy, problem } = useRequested(
    () => noiseEffect(document, layer),
    JSON.stringify([document, layer]),
  );
  const text = problem
    ? t("noise.unseen", { problem: spoken(problem) })
    : said && !busy
      ? said.largest > 0
        ? t("noise.effect", { largest: formatNumber(said.largest, { maximumFractionDigits: 1 }) })
        : t("noise.noEffect")
      : t("noise.looking");
  return h(
    "figure",
    { class: busy ? "noise-effect busy-picture" : "noise-effect" },
    url
      ? h("img", { src: url, alt: t("noise.effectPicture", { layer }), "data-testid": "noise-effect" })
      : h("span", { class: "noise-effect-place" }),
    h("figcaption", { class: "note", role: "status" }, text),
  );
}
