// Sources and layers as a table: the crossover line over it, a cell for each layer of each source.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { plainDocument, seedBase } from "../document.js";
import { formatNumber, t } from "../language.js";
import { levelOf, sideOfRow } from "../layer_names.js";
import { MOST_SOURCES, alone, crossoverOf, withCrossover, withLayers } from "../mixing.js";
import { Icon } from "./icons.js";
import { onCellKey, useCellDrag } from "./mix_cells.js";
import { nameOfSource } from "./mix_faces.js";
import { randomSeed } from "./seed.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { Base, ModelInfo } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { Cell, Mixer } from "./mix.js" */

/**
 * @typedef {object} TableProps
 * @property {Mixer} mixer
 * @property {Cell | null} cell
 * @property {State} state
 * @property {(cell: Cell) => void} onCell
 * @property {(row: number) => void} onChoose
 * @property {(source: Base) => void} onAdd
 */

/** @param {TableProps} props */
export function MixTable(props) {
  const { mixer, onAdd } = props;
  const { model, rows } = mixer;
  const crossover = rows.length ? crossoverOf(rows[mixer.chosen]) : model.num_ws;
  const table = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const box = table.current;
    // Where the table is wider than the page, the line of the source that was chosen comes into view.
    if (box) box.scrollLeft = (crossover / model.num_ws) * box.scrollWidth - box.clientWidth / 2;
  }, [mixer.chosen, rows.length, model.name]);
  return h(
    "div",
    { ref: table, class: "mix-table", style: { "--layers": `${model.num_ws}`, "--crossover": `${crossover}` } },
    rows.length > 0 && h(Crossover, { mixer, crossover }),
    h(
      "div",
      { class: "mix-rows", onKeyDown: (/** @type {KeyboardEvent} */ event) => onCellKey(event, props) },
      rows.length > 0 && h("div", { class: "mix-line", "aria-hidden": "true" }),
      rows.map((_, row) => h(SourceRow, { key: row, ...props, row })),
    ),
    h(
      "button",
      {
        type: "button",
        class: "mix-add",
        "data-testid": "mix-add",
        disabled: rows.length >= MOST_SOURCES,
        onClick: () => onAdd(seedBase(randomSeed(), model.default_psi)),
      },
      h(Icon, { name: "dice" }),
      t("mix.add"),
    ),
  );
}

/** Where the chosen source begins. @param {{ mixer: Mixer, crossover: number }} props */
function Crossover({ mixer, crossover }) {
  const { model, chosen, rows } = mixer;
  const held = useRef(false);
  const said = describeCrossover(crossover, model);
  const letGo = () => {
    if (!held.current) return;
    held.current = false;
    mixer.release();
  };
  return h(
    "div",
    { class: "crossover" },
    h("output", { class: "crossover-level", "data-testid": "crossover-level" }, said),
    h("input", {
      type: "range",
      min: 0,
      max: model.num_ws,
      step: 1,
      value: crossover,
      "aria-label": t("mix.crossover"),
      "aria-valuetext": said,
      "data-testid": "crossover",
      onPointerDown: () => (held.current = true),
      onPointerUp: letGo,
      onPointerCancel: letGo,
      onChange: letGo,
      onInput: (event) => {
        const at = event.currentTarget.valueAsNumber;
        if (held.current) mixer.drag((from) => withCrossover(from, chosen, at), "crossover");
        else mixer.change(withCrossover(rows, chosen, at), { gesture: "crossover" });
      },
    }),
  );
}

/** @param {number} crossover @param {ModelInfo} model */
const describeCrossover = (crossover, model) =>
  crossover >= model.num_ws
    ? t("mix.takesNothing")
    : t("mix.fromLayer", {
        layer: crossover,
        side: String(sideOfRow(crossover, model)),
        level: t(`level.${levelOf(crossover, model)}`),
      });

/** @param {TableProps & { row: number }} props */
function SourceRow({ mixer, cell, state, row, onCell, onChoose }) {
  const { model, rows, chosen } = mixer;
  const { source, strengths } = rows[row];
  const name = nameOfSource(source, state);
  const drag = useCellDrag(mixer, row, onCell);
  const current = cell ?? { row: 0, layer: 0 };
  return h(
    "div",
    { class: "mix-row", role: "group", "aria-label": name },
    h(
      "button",
      {
        type: "button",
        class: "mix-face",
        "aria-pressed": row === chosen,
        "aria-label": t("mix.choose", { name }),
        title: name,
        "data-testid": `mix-source-${row}`,
        onClick: () => onChoose(row),
        ...mixer.hover(alone(source, [rows[row], rows[chosen]], model)),
      },
      state.picture === "loading"
        ? h("span", { class: "thumbnail" })
        : h(Thumbnail, { document: { ...plainDocument(model.name, 0, 1), base: source }, model }),
    ),
    h(
      "div",
      { class: "mix-cells", ...drag },
      strengths.map((strength, layer) =>
        h("button", {
          key: layer,
          type: "button",
          class: "mix-cell",
          style: { "--strength": `${strength}` },
          "aria-pressed": strength === 1 ? "true" : strength > 0 ? "mixed" : "false",
          "aria-label": describeCell(layer, strength, model),
          title: describeCell(layer, strength, model),
          "data-testid": `mix-cell-${row}-${layer}`,
          "data-layer": layer,
          tabIndex: current.row === row && current.layer === layer ? 0 : -1,
          onFocus: () => onCell({ row, layer }),
          onClick: () => {
            onChoose(row);
            onCell({ row, layer });
            mixer.change(withLayers(rows, row, [layer], strength > 0 ? 0 : 1));
          },
        }),
      ),
    ),
  );
}

/** @param {number} layer @param {number} strength @param {ModelInfo} model */
const describeCell = (layer, strength, model) =>
  t("mix.cell", {
    layer,
    side: String(sideOfRow(layer, model)),
    level: t(`level.${levelOf(layer, model)}`),
    strength: formatNumber(strength, { style: "percent" }),
  });
