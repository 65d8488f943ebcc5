// The dialog that finds directions: searching, looking through strips of pictures, trying, naming, importing.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { directionName } from "../direction_names.js";
import { spans } from "../edits.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { isUnderWay } from "../tasks.js";
import { Select } from "../views/controls.js";
import { Dialog, Refused, TaskProgress } from "./dialog.js";
import { ImportDirection } from "./import.js";
import { RowChoice } from "../views/layer_rules.js";
import { levelOf } from "../views/tiles.js";
import { Strip } from "./strip.js";
import { Trial } from "./trial.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { SearchMethod, Task } from "../editing_messages.js" */
/** @import { View } from "../views/app.js" */

const STRIP_SIDE = 128;
const STRIP = [-1, -0.5, 0, 0.5, 1];
const METHODS = /** @type {const} */ (["sefa", "ganspace", "ganspace_features"]);
const ABOUT = /** @type {const} */ ({
  sefa: "search.aboutSefa",
  ganspace: "search.aboutGanspace",
  ganspace_features: "search.aboutFeatures",
});

/** @param {View} view */
export function Search(view) {
  const { state, directing } = view;
  const model = modelOf(state);
  const { document, tools } = state;
  const task = tools.search?.model === model?.name ? tools.search : null;
  if (!model || !document) return null;
  return h(
    Dialog,
    { title: t("search.title"), testid: "search", onClose: () => directing.open(null) },
    h(SearchForm, { model, busy: isUnderWay(task), directing }),
    h(Refused, { refusal: tools.refusal }),
    h(TaskProgress, { task, onCancel: (running) => void directing.cancel(running) }),
    task?.candidates && h(Candidates, { task, model, document, directing }),
    h(ImportDirection, { directing }),
  );
}

/** @param {{ model: ModelInfo, busy: boolean, directing: View["directing"] }} props */
function SearchForm({ model, busy, directing }) {
  const [method, setMethod] = useState(/** @type {SearchMethod} */ ("sefa"));
  const all = Array.from({ length: model.num_ws }, (_, row) => row);
  const [rows, setRows] = useState(all);
  const [count, setCount] = useState("10");
  const [middle, fine] = model.mix_borders;
  const bands = /** @type {["all" | "coarse" | "middle" | "fine", number[]][]} */ ([
    ["all", all],
    ["coarse", all.slice(0, middle)],
    ["middle", all.slice(middle, fine)],
    ["fine", all.slice(fine)],
  ]);
  return h(
    "form",
    {
      onSubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        void directing.search(method, rows.length === all.length ? null : rows, Number(count));
      },
    },
    h(
      "div",
      { class: "row" },
      h(Select, {
        label: t("directions.method"),
        testid: "search-method",
        value: method,
        options: METHODS.map((each) => /** @type {[string, string]} */ ([each, t(`method.${each}`)])),
        onChange: (chosen) => setMethod(/** @type {SearchMethod} */ (chosen)),
      }),
      h(
        "label",
        { class: "field short" },
        h("span", null, t("search.count")),
        h("input", {
          type: "number",
          min: 1,
          max: 64,
          required: true,
          value: count,
          "data-testid": "search-count",
          onInput: (event) => setCount(event.currentTarget.value),
        }),
      ),
      h(
        "button",
        { type: "submit", class: "button primary", "data-testid": "search-start", disabled: busy },
        busy ? t("search.busy") : t("search.start"),
      ),
    ),
    h("p", { class: "note" }, t(ABOUT[method])),
    h(
      "div",
      { class: "row wrap" },
      h("span", { class: "note" }, t("search.layers")),
      bands
        .filter(([, band]) => band.length > 0)
        .map(([name, band]) =>
          h(
            "button",
            {
              key: name,
              type: "button",
              class: "button",
              "aria-pressed": String(band) === String(rows),
              "data-testid": `search-${name}`,
              onClick: () => setRows(band),
            },
            t(`band.${name}`),
          ),
        ),
    ),
    h(RowChoice, {
      label: t("search.layersToSearch"),
      testid: "search-layer",
      count: model.num_ws,
      rows,
      least: 1,
      onRows: setRows,
    }),
  );
}

/**
 * @typedef {{ task: Task, model: ModelInfo, document: LoomDocument, directing: View["directing"] }} Found
 */

/** @param {number[]} rows @param {number | null} explained a part of the variance */
const where = (rows, explained) =>
  explained === null
    ? t("candidate.layers", { layers: spans(rows) })
    : t("candidate.explains", { layers: spans(rows), share: (100 * explained).toFixed(1) });

/** @param {Found} props */
function Candidates(props) {
  const { task, model, document } = props;
  const [chosen, setChosen] = useState(/** @type {number | null} */ (null));
  const side = levelOf(model, STRIP_SIDE);
  return h(
    "ol",
    { class: "candidates", "data-testid": "candidates" },
    task.candidates?.map((candidate) => {
      const { index, layers, maximum, explained } = candidate;
      const name = directionName(candidate.name);
      const open = chosen === index;
      return h(
        "li",
        { key: `${task.id}-${index}`, class: open ? "candidate open" : "candidate" },
        h(
          "button",
          {
            type: "button",
            class: "strip-button",
            "aria-expanded": open,
            title: t("candidate.try", { name }),
            "data-testid": `candidate-${index}`,
            onClick: () => setChosen(open ? null : index),
          },
          h("span", null, h("strong", null, name), ` ${where(layers, explained)}`),
          h(Strip, {
            task: task.id,
            candidate: index,
            document,
            strengths: STRIP.map((part) => part * maximum),
            side,
            layers: null,
          }),
        ),
        open && h(Trial, { ...props, candidate }),
      );
    }),
  );
}
