// Sliders for the face's attributes: what is asked, what was reached, what is held.

import { h } from "../vendor/preact.js";
import { standing, withAttribute, withoutAttribute } from "../document.js";
import { editCount, withLock, withoutEdits } from "../edits.js";
import { pieces, t } from "../language.js";
import { attributeLabel, missedBy, written } from "../readings.js";
import { modelOf, modelProblem, originalsOf, readingOf, shownOriginals, usableModels } from "../selectors.js";
import { Switch } from "./controls.js";
import { Corrections } from "./corrections.js";
import { LayerRows } from "./layer_rules.js";
import { Moved } from "./moved.js";
import { Slider } from "./slider.js";

/** @import { PlainKey } from "../language_types.js" */
/** @import { AttributeInfo, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const HINTS = /** @type {Record<string, PlainKey>} */ ({
  gender: "attributes.hintGender",
  yaw: "attributes.hintYaw",
  pitch: "attributes.hintPitch",
});
/** A part of the slider: further off than this is said aloud. */
const MISSED = 0.08;

/** @param {View} view */
export function Attributes(view) {
  const { state, editor } = view;
  const { document } = state;
  const model = modelOf(state);
  return h(
    "section",
    { class: "panel", id: "face", "aria-labelledby": "face-title" },
    h(
      "header",
      null,
      h("h2", { id: "face-title" }, t("section.face")),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "reset-all",
          disabled: !document || editCount(document) === 0,
          onClick: () => document && editor.change(withoutEdits(document)),
        },
        t("attributes.resetAll"),
      ),
    ),
    model?.editable && h(Sliders, { ...view, model }),
    model && !model.editable && h(NoFlow, null),
    !model && h("p", { class: "note" }, missing(state)),
  );
}

/** @param {View & { model: ModelInfo }} props */
function Sliders(props) {
  const { state, editor, model } = props;
  const { document, reading } = state;
  const infos = model.attributes.filter((info) => info.group === "face" && info.shown);
  return [
    reading?.values.state === "estimating" &&
      h(
        "p",
        { class: "note", role: "status" },
        h("span", { class: "spinner", "aria-hidden": "true" }),
        t("attributes.estimating"),
      ),
    ...infos.map((info) => h(AttributeSlider, { key: info.name, info, state, editor, model })),
    model.measurable &&
      h(Switch, {
        key: "calibrated",
        label: t("attributes.exactly"),
        hint: t("attributes.exactlyHint"),
        testid: "calibrated",
        checked: document?.calibrated ?? false,
        onChange: (calibrated) => document && editor.change({ ...document, calibrated }),
      }),
    h(Moved, { key: "moved", state, model, infos }),
    h(Corrections, { key: "corrections", state, editor, model, infos }),
    h(LayerRows, { key: "layers", ...props, infos }),
  ];
}

/** @param {View["state"]} state */
function missing(state) {
  if (state.about && usableModels(state).length === 0) return t("attributes.noModel");
  return modelProblem(state) || t("attributes.loading");
}

/** What a model lacks to be edited, and what helps. */
function NoFlow() {
  return h(
    "div",
    { class: "note lacking", "data-testid": "no-flow" },
    h("p", null, t("attributes.noFlow")),
    h(
      "p",
      null,
      pieces("attributes.noFlowTrain", {
        flow: h("code", null, "latentloom train flow"),
        network: h("code", null, "latentloom train attributes"),
        bundle: h("code", null, "latentloom train bundle"),
      }),
    ),
  );
}

/** @param {{ info: AttributeInfo, state: View["state"], editor: View["editor"], model: ModelInfo }} props */
function AttributeSlider({ info, state, editor, model }) {
  const { document } = state;
  const { name } = info;
  const shown = shownOriginals(state);
  const original = originalsOf(state)?.[name];
  const targets = document?.attributes ?? {};
  const reading = readingOf(state);
  const reached = name in targets && reading?.current ? reading.values.reached?.[name] : undefined;
  return h(Slider, {
    ...info,
    label: attributeLabel(info),
    hint: HINTS[name] && t(HINTS[name]),
    value: standing(targets, shown, name),
    original: shown?.[name],
    changed: name in targets,
    reached,
    lock:
      document && model.measurable
        ? {
            locked: document.locks.includes(name),
            onLock: (locked) => editor.change(withLock(document, name, locked)),
          }
        : undefined,
    note: name in targets && model.measurable && h(Reached, { info, asked: targets[name], reached }),
    onChange: (value, held) =>
      document && editor.change(withAttribute(document, info, value, original), { gesture: name, held }),
    onRelease: () => editor.release(),
    onReset: () => document && editor.change(withoutAttribute(document, name)),
  });
}

/** @param {{ info: AttributeInfo, asked: number, reached: number | undefined }} props */
function Reached({ info, asked, reached }) {
  const missed = reached !== undefined && missedBy(info, asked, reached) > MISSED;
  return h(
    "p",
    { class: missed ? "reached missed" : "reached", "data-testid": `reached-${info.name}` },
    pieces("attributes.reached", {
      asked: written(asked, info),
      reached: h("strong", null, reached === undefined ? "…" : written(reached, info)),
    }),
  );
}
