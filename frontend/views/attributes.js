// Sliders for the face's attributes: what is asked, what was reached, what is held.

import { h } from "../vendor/preact.js";
import { standing, withAttribute, withoutAttribute } from "../document.js";
import { editCount, withLock, withoutEdits } from "../edits.js";
import { missedBy, written } from "../readings.js";
import { modelOf, modelProblem, originalsOf, readingOf, shownOriginals, usableModels } from "../selectors.js";
import { Switch } from "./controls.js";
import { Corrections } from "./corrections.js";
import { LayerRows } from "./layers.js";
import { Moved } from "./moved.js";
import { Slider } from "./slider.js";

/** @import { AttributeInfo, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const HINTS = /** @type {Record<string, string>} */ ({
  gender: "0 is male, 1 is female, as the model has learned it",
  yaw: "Turns the head to the left or right, in degrees",
  pitch: "Lifts or lowers the head, in degrees",
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
      h("h2", { id: "face-title" }, "Attributes"),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "reset-all",
          disabled: !document || editCount(document) === 0,
          onClick: () => document && editor.change(withoutEdits(document)),
        },
        "Reset all",
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
        "Estimating what this face has. Edits follow as soon as that is known.",
      ),
    ...infos.map((info) => h(AttributeSlider, { key: info.name, info, state, editor, model })),
    model.measurable &&
      h(Switch, {
        key: "calibrated",
        label: "Reach the asked values exactly",
        hint: "Reads the picture and corrects the edit until it shows what was asked. Slower; done on release.",
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
  if (state.about && usableModels(state).length === 0) return "There is no model.";
  return modelProblem(state) || "Loading the model's attributes…";
}

/** What a model lacks to be edited, and what helps. */
function NoFlow() {
  return h(
    "div",
    { class: "note lacking", "data-testid": "no-flow" },
    h(
      "p",
      null,
      "This model comes without an attribute flow, so its faces have no attribute sliders. ",
      "They can be explored, mixed, and moved along directions.",
    ),
    h(
      "p",
      null,
      "For sliders, train a flow and an attribute network for it (",
      h("code", null, "latentloom train flow"),
      ", ",
      h("code", null, "latentloom train attributes"),
      ") and bind them together with ",
      h("code", null, "latentloom train bundle"),
      ".",
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
    hint: HINTS[name],
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
    `asked ${written(asked, info)}, reached `,
    h("strong", null, reached === undefined ? "…" : written(reached, info)),
  );
}
