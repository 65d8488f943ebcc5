// The light on the face: a lamp that is dragged around a sphere, its strength and brightness, and presets.

import { h } from "../vendor/preact.js";
import { withAttribute, withoutAttribute } from "../document.js";
import { isLight, withLight, withPreset, withoutLight } from "../edits.js";
import { PRESETS, inWords, lampOf } from "../lamp.js";
import { t } from "../language.js";
import { modelOf, originalsOf, readingOf, shownOriginal, shownOriginals } from "../selectors.js";
import { Slider } from "./slider.js";
import { Sphere } from "./sphere.js";

/** @import { AttributeInfo, LoomDocument } from "../messages.js" */
/** @import { Lamp, LampChange } from "../editing_messages.js" */
/** @import { View } from "./app.js" */

const STRENGTH = { minimum: 0, maximum: 1, step: 0.01 };
const BRIGHTNESS = { minimum: 0.4, maximum: 1.6, step: 0.01 };

/** @param {View} view */
export function Light(view) {
  const { state, editor } = view;
  const model = modelOf(state);
  const { document } = state;
  if (!model?.editable) return null;
  const byHand = Object.keys(document?.attributes ?? {}).some(isLight);
  const own = shownOriginal(state)?.light ?? null;
  const measured = readingOf(state)?.values.target_light ?? null;
  const lamp = byHand ? (measured ?? own) : lampOf(own, document?.light ?? null);
  return h(
    "section",
    { class: "panel", id: "light", "aria-labelledby": "light-title" },
    h(
      "header",
      null,
      h("h2", { id: "light-title" }, t("section.light")),
      document &&
        (document.light || byHand) &&
        h(
          "button",
          {
            type: "button",
            class: "link",
            "data-testid": "reset-light",
            onClick: () => editor.change(withoutLight(document)),
          },
          t("light.reset"),
        ),
    ),
    lamp && own && document
      ? h(LampControls, { document, editor, lamp, own })
      : h("p", { class: "note light-pending" }, t("light.pending")),
    h(Coefficients, { ...view, infos: model.attributes.filter(({ name }) => isLight(name)) }),
  );
}

/** @param {{ document: LoomDocument, editor: View["editor"], lamp: Lamp, own: Lamp }} props */
function LampControls({ document, editor, lamp, own }) {
  /** @param {string} gesture @param {Partial<LampChange>} change @param {boolean} held */
  const move = (gesture, change, held) => editor.change(withLight(document, change), { gesture, held });
  const release = () => editor.release();
  /** @param {"strength" | "brightness"} part */
  const slider = (part) => ({
    name: `light-${part}`,
    value: lamp[part],
    original: own[part],
    changed: document.light !== null && document.light[part] !== null,
    onChange: (/** @type {number} */ value, /** @type {boolean} */ held) =>
      move(part, { [part]: value }, held),
    onRelease: release,
    onReset: () => editor.change(withLight(document, { [part]: null })),
  });
  return [
    h(
      "div",
      { class: "lamp", key: "lamp" },
      h(Sphere, {
        lamp,
        onMove: (angles, held) => move("lamp", angles, held),
        onRelease: release,
        onReset: () => editor.change(withLight(document, { azimuth: null, elevation: null })),
      }),
      h(
        "div",
        { class: "lamp-presets", role: "group", "aria-label": t("light.from") },
        PRESETS.map(({ name, change }) =>
          h(
            "button",
            {
              key: name,
              type: "button",
              class: "button",
              "data-testid": `preset-${name}`,
              "aria-pressed": sameLamp(lamp, change),
              onClick: () => editor.change(withPreset(document, change)),
            },
            t(`lamp.${name}`),
          ),
        ),
      ),
      h("p", { class: "note", "data-testid": "lamp-words" }, t("light.now", { where: inWords(lamp) })),
    ),
    h(Slider, {
      key: "strength",
      label: t("light.strength"),
      hint: t("light.strengthHint"),
      ...STRENGTH,
      ...slider("strength"),
    }),
    h(Slider, { key: "brightness", label: t("light.brightness"), ...BRIGHTNESS, ...slider("brightness") }),
  ];
}

/** @param {Lamp} lamp @param {Omit<Lamp, "brightness">} preset */
const sameLamp = (lamp, preset) =>
  lamp.azimuth === preset.azimuth && lamp.elevation === preset.elevation && lamp.strength === preset.strength;

/** The nine numbers themselves. @param {View & { infos: AttributeInfo[] }} props */
function Coefficients({ state, editor, infos }) {
  const { document } = state;
  const shown = shownOriginals(state);
  const originals = originalsOf(state);
  const reading = readingOf(state);
  const moved = document?.light ? reading?.values.target : null;
  return h(
    "details",
    { class: "more", "data-testid": "coefficients" },
    h("summary", null, t("light.coefficients")),
    h(
      "p",
      { class: "note" },
      t("light.coefficientsAbout"),
    ),
    infos.map((info) =>
      h(Slider, {
        ...info,
        label: t("light.coefficient", { index: info.name.replace("light_", "") }),
        key: info.name,
        value: document?.attributes[info.name] ?? moved?.[info.name] ?? shown?.[info.name],
        original: shown?.[info.name],
        changed: info.name in (document?.attributes ?? {}),
        reached: reading?.current ? reading.values.reached?.[info.name] : undefined,
        onChange: (value, held) =>
          document &&
          editor.change(
            withAttribute(document, info, value, document.light ? undefined : originals?.[info.name]),
            {
              gesture: info.name,
              held,
            },
          ),
        onRelease: () => editor.release(),
        onReset: () => document && editor.change(withoutAttribute(document, info.name)),
      }),
    ),
  );
}
