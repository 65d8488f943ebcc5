// Moving the face itself along a direction that was found, choosing its layers and range, and keeping it.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { directionName } from "../direction_names.js";
import { t } from "../language.js";
import { RowChoice } from "../views/layer_rules.js";
import { Slider } from "../views/slider.js";
import { levelOf } from "../views/tiles.js";
import { Strip } from "./strip.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { Candidate, Task } from "../editing_messages.js" */
/** @import { View } from "../views/app.js" */

const PICTURE_SIDE = 256;
const FARTHEST = 20;

/**
 * @param {{ task: Task, model: ModelInfo, document: LoomDocument, directing: View["directing"],
 *   candidate: Candidate }} props
 */
export function Trial({ task, model, document, directing, candidate }) {
  const [strength, setStrength] = useState(candidate.maximum / 2);
  const [name, setName] = useState(directionName(candidate.name));
  const [rows, setRows] = useState(candidate.layers);
  const [range, setRange] = useState([String(candidate.minimum), String(candidate.maximum)]);
  const [saved, setSaved] = useState(false);
  /** @param {number} end @param {string} typed */
  const setEnd = (end, typed) => (
    setRange(range.map((old, i) => (i === end ? typed : old))),
    setSaved(false)
  );
  const [minimum, maximum] = range.map(Number);
  const empty = !(minimum < maximum);
  const save = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const own = name === directionName(candidate.name) ? candidate.name : name.trim();
    setSaved(await directing.save(task, candidate, { name: own, layers: rows, minimum, maximum }));
  };
  return h(
    "div",
    { class: "trial" },
    h(Strip, {
      task: task.id,
      candidate: candidate.index,
      document,
      strengths: [strength],
      side: levelOf(model, PICTURE_SIDE),
      layers: rows,
    }),
    h(
      "div",
      { class: "trial-settings" },
      h(Slider, {
        name: "try",
        label: t("trial.strength"),
        minimum: candidate.minimum,
        maximum: candidate.maximum,
        step: 0.05,
        value: strength,
        original: 0,
        onChange: (value) => setStrength(value),
        onRelease: () => {},
        onReset: () => setStrength(0),
      }),
      h(RowChoice, {
        label: t("trial.layers"),
        testid: "try-layer",
        count: model.num_ws,
        rows,
        least: 1,
        onRows: (next) => (setRows(next), setSaved(false)),
      }),
      h(
        "form",
        { class: "row wrap", onSubmit: save },
        h(
          "label",
          { class: "field" },
          h("span", null, t("trial.name")),
          h("input", {
            type: "text",
            maxLength: 80,
            required: true,
            pattern: ".*\\S.*",
            value: name,
            "data-testid": "direction-name",
            onInput: (event) => (setName(event.currentTarget.value), setSaved(false)),
          }),
        ),
        [t("trial.from"), t("trial.to")].map((label, end) =>
          h(
            "label",
            { class: "field short", key: label },
            h("span", null, label),
            h("input", {
              type: "number",
              min: -FARTHEST,
              max: FARTHEST,
              step: "any",
              required: true,
              value: range[end],
              "data-testid": `direction-${end ? "maximum" : "minimum"}`,
              onInput: (event) => setEnd(end, event.currentTarget.value),
            }),
          ),
        ),
        h(
          "button",
          {
            type: "submit",
            class: "button primary",
            "data-testid": "direction-save",
            disabled: empty || saved,
          },
          saved ? t("trial.saved") : t("trial.save"),
        ),
      ),
      empty && h("p", { class: "problem" }, t("trial.empty")),
    ),
  );
}
