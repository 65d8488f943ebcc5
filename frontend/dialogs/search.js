// The dialog that finds directions: searching, looking through strips of pictures, trying, naming, importing.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { spans } from "../edits.js";
import { modelOf } from "../selectors.js";
import { isUnderWay } from "../tasks.js";
import { Select } from "../views/controls.js";
import { Dialog, Refused, TaskProgress } from "./dialog.js";
import { METHODS } from "../views/directions.js";
import { ImportDirection } from "./import.js";
import { RowChoice } from "../views/layers.js";
import { Strip, sideOf } from "./strip.js";
import { Trial } from "./trial.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { SearchMethod, Task } from "../editing_messages.js" */
/** @import { View } from "../views/app.js" */

const STRIP_SIDE = 128;
const STRIP = [-1, -0.5, 0, 0.5, 1];
const ABOUT = /** @type {Record<SearchMethod, string>} */ ({
  sefa: "What changes the styles of these layers most, whatever the face. Takes moments.",
  ganspace: "The axes along which w itself varies most. Takes seconds.",
  ganspace_features: "The axes along which early feature maps vary most, carried back to w. Takes longer.",
});
const CHOICES = Object.keys(ABOUT).map((each) => /** @type {[string, string]} */ ([each, METHODS[each]]));

/** @param {View} view */
export function Search(view) {
  const { state, directing } = view;
  const model = modelOf(state);
  const { document, tools } = state;
  const task = tools.search?.model === model?.name ? tools.search : null;
  if (!model || !document) return null;
  return h(
    Dialog,
    { title: "Find directions", testid: "search", onClose: () => directing.open(null) },
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
  const bands = /** @type {[string, number[]][]} */ ([
    ["All", all],
    ["Coarse", all.slice(0, middle)],
    ["Middle", all.slice(middle, fine)],
    ["Fine", all.slice(fine)],
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
        label: "Method",
        testid: "search-method",
        value: method,
        options: CHOICES,
        onChange: (chosen) => setMethod(/** @type {SearchMethod} */ (chosen)),
      }),
      h(
        "label",
        { class: "field short" },
        h("span", null, "How many"),
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
        busy ? "Searching…" : "Search",
      ),
    ),
    h("p", { class: "note" }, ABOUT[method]),
    h(
      "div",
      { class: "row wrap" },
      h("span", { class: "note" }, "Layers"),
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
              "data-testid": `search-${name.toLowerCase()}`,
              onClick: () => setRows(band),
            },
            name,
          ),
        ),
    ),
    h(RowChoice, {
      label: "Layers to search",
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

/** @param {Found} props */
function Candidates(props) {
  const { task, model, document } = props;
  const [chosen, setChosen] = useState(/** @type {number | null} */ (null));
  const side = sideOf(model, STRIP_SIDE);
  return h(
    "ol",
    { class: "candidates", "data-testid": "candidates" },
    task.candidates?.map((candidate) => {
      const { index, name, layers, maximum, explained } = candidate;
      const open = chosen === index;
      const share = explained === null ? "" : `, explains ${(100 * explained).toFixed(1)} %`;
      return h(
        "li",
        { key: `${task.id}-${index}`, class: open ? "candidate open" : "candidate" },
        h(
          "button",
          {
            type: "button",
            class: "strip-button",
            "aria-expanded": open,
            "aria-label": `Try ${name}`,
            "data-testid": `candidate-${index}`,
            onClick: () => setChosen(open ? null : index),
          },
          h("span", null, h("strong", null, name), ` layers ${spans(layers)}${share}`),
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
