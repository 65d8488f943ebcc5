// Sliders for the face's attributes and for its light.

import { h } from "../vendor/preact.js";
import { standing, withAttribute, withoutAttribute, withoutEdits } from "../document.js";
import { modelOf, modelProblem, originalsOf, shownOriginals, usableModels } from "../selectors.js";
import { Slider } from "./slider.js";

/** @import { AttributeInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const HINTS = /** @type {Record<string, string>} */ ({
  gender: "0 is male, 1 is female, as the model has learned it",
  yaw: "Turns the head to the left or right, in degrees",
  pitch: "Lifts or lowers the head, in degrees",
});

/** @param {View & { group: "face" | "light", title: string }} props */
export function Attributes({ state, editor, group, title }) {
  const model = modelOf(state);
  const { document } = state;
  const infos = model?.attributes.filter((info) => info.group === group && info.shown) ?? [];
  const targets = document?.attributes ?? {};
  const changed = infos.filter(({ name }) => name in targets);
  const reset = () => {
    if (!document) return;
    editor.change(changed.reduce((next, { name }) => withoutAttribute(next, name), document));
  };
  return h(
    "section",
    { class: "panel", id: group, "aria-labelledby": `${group}-title` },
    h(
      "header",
      null,
      h("h2", { id: `${group}-title` }, title),
      group === "face" &&
        h(ResetAll, {
          count: Object.keys(targets).length,
          onReset: () => document && editor.change(withoutEdits(document)),
        }),
      group === "light" &&
        changed.length > 0 &&
        h(
          "button",
          { type: "button", class: "link", "data-testid": "reset-light", onClick: reset },
          "Reset light",
        ),
    ),
    model && !model.editable
      ? h(
          "p",
          { class: "note" },
          "This model comes without an attribute flow and estimator, so its faces can be explored and mixed, but not edited.",
        )
      : infos.map((info) => h(AttributeSlider, { key: info.name, info, state, editor })),
    !model && h("p", { class: "note" }, missing(state)),
  );
}

/** @param {View["state"]} state */
function missing(state) {
  if (state.about && usableModels(state).length === 0) return "There is no model.";
  return modelProblem(state) || "Loading the model's attributes…";
}

/** @param {{ count: number, onReset: () => void }} props */
function ResetAll({ count, onReset }) {
  return h(
    "button",
    { type: "button", class: "link", "data-testid": "reset-all", disabled: count === 0, onClick: onReset },
    "Reset all",
  );
}

/** @param {{ info: AttributeInfo, state: View["state"], editor: View["editor"] }} props */
function AttributeSlider({ info, state, editor }) {
  const { document } = state;
  const shown = shownOriginals(state);
  const original = originalsOf(state)?.[info.name];
  const targets = document?.attributes ?? {};
  return h(Slider, {
    ...info,
    hint: HINTS[info.name],
    value: standing(targets, shown, info.name),
    original: shown?.[info.name],
    changed: info.name in targets,
    onChange: (value, held) =>
      document && editor.change(withAttribute(document, info, value, original), { gesture: info.name, held }),
    onRelease: () => editor.release(),
    onReset: () => document && editor.change(withoutAttribute(document, info.name)),
  });
}
