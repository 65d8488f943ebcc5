// Which rows of ws an edit of an attribute may change.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { isLight, keptLayers, rowsOf, withRows } from "../edits.js";
import { t, term } from "../language.js";
import { Select, option } from "./controls.js";

/** @import { AttributeInfo, LoomDocument, ModelInfo } from "../messages.js" */
/** @import { LayerRules } from "../editing_messages.js" */
/** @import { View } from "./app.js" */

const LIGHT = "light";

/** @param {View & { model: ModelInfo, infos: AttributeInfo[] }} props */
export function LayerRows({ state, editor, directing, model, infos }) {
  const [chosen, setChosen] = useState("age");
  const { document } = state;
  const [middle, fine] = model.mix_borders;
  const rules = state.tools.rules;
  if (!document) return null;
  if (rules?.model !== model.name)
    return h("details", { class: "more" }, h("summary", null, t("layerRules.title"))); // the rules are on their way
  const names = chosen === LIGHT ? model.attributes.map(({ name }) => name).filter(isLight) : [chosen];
  const rows = rowsOf(document, rules.bundled, names[0]);
  const count = Object.keys(document.layers).filter((name) => !isLight(name) || name === "light_0").length;
  const change = (/** @type {number[]} */ next) =>
    editor.change(withRows(document, rules.bundled, names, next));
  return h(
    "details",
    { class: "more", "data-testid": "layers" },
    h("summary", null, t("layerRules.title"), count > 0 && h("span", { class: "count" }, count)),
    h(
      "div",
      { class: "row" },
      h("span", null, t("layerRules.of")),
      h(Select, {
        label: t("layerRules.attribute"),
        testid: "layers-of",
        value: chosen,
        options: [
          ...infos.map(({ name, label }) => option(name, term(`attribute.${name}`, label))),
          option(LIGHT, t("section.light")),
        ],
        onChange: setChosen,
      }),
    ),
    h(RowChoice, {
      label: t("layerRules.rows"),
      testid: "layer",
      count: model.num_ws,
      rows,
      least: 1,
      onRows: change,
    }),
    h("p", { class: "note" }, t("layerRules.borders", { middle, fine })),
    h(Keeping, { document, rules, onDefault: () => editor.change({ ...document, layers: {} }), directing }),
  );
}

/**
 * Rows of ws to choose from.
 * @param {{ label: string, testid: string, count: number, rows: number[], least: number,
 *   onRows: (rows: number[]) => void }} props
 */
export function RowChoice({ label, testid, count, rows, least, onRows }) {
  return h(
    "div",
    { class: "row-choice", role: "group", "aria-label": label },
    Array.from({ length: count }, (_, row) => {
      const on = rows.includes(row);
      return h(
        "button",
        {
          key: row,
          type: "button",
          "aria-pressed": on,
          "aria-label": t("layerRules.row", { row }),
          "data-testid": `${testid}-${row}`,
          disabled: on && rows.length <= least,
          onClick: () =>
            onRows(on ? rows.filter((each) => each !== row) : [...rows, row].sort((a, b) => a - b)),
        },
        row,
      );
    }),
  );
}

/**
 * @param {{ document: LoomDocument, rules: LayerRules, onDefault: () => void,
 *   directing: View["directing"] }} props
 */
function Keeping({ document, rules, onDefault, directing }) {
  const own = Object.keys(document.layers).length === 0;
  const kept = JSON.stringify(keptLayers(rules)) === JSON.stringify(sorted(document.layers, rules));
  return h(
    "div",
    { class: "row" },
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": "layers-keep",
        title: t("layerRules.keepHint"),
        disabled: kept,
        onClick: () => void directing.keepLayers(own ? {} : { ...rules.bundled, ...document.layers }),
      },
      kept && rules.stored ? t("layerRules.kept") : t("layerRules.keep"),
    ),
    h(
      "button",
      { type: "button", class: "link", "data-testid": "layers-default", disabled: own, onClick: onDefault },
      t("layerRules.default"),
    ),
  );
}

/** In the order of the rules. @param {LoomDocument["layers"]} layers @param {LayerRules} rules */
const sorted = (layers, rules) => keptLayers({ ...rules, layers: { ...rules.bundled, ...layers } });
