// Sources and layers as a table: the crossover line over it, a cell for each layer of each source.

import { h } from "../vendor/preact.js";
import { useRef } from "../vendor/hooks.js";
import { clamp, plainDocument, seedBase } from "../document.js";
import { formatNumber, t } from "../language.js";
import { levelOf, sideOfRow } from "../layer_names.js";
import { MOST_SOURCES, alone, crossoverOf, withCrossover, withLayers } from "../mixing.js";
import { Icon } from "./icons.js";
import { nameOfSource } from "./mix_faces.js";
import { randomSeed } from "./seed.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { Base, ModelInfo } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { Cell, Mixer } from "./mix.js" */

/** Pixels that a pointer goes up or down for a whole strength. */
const REACH = 100;
/** A pointer that went less far has clicked. */
const SLACK = 5;
const KEY_STEP = 0.1;

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
  return h(
    "div",
    { class: "mix-table", style: { "--layers": `${model.num_ws}`, "--crossover": `${crossover}` } },
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

/**
 * A mouse or pen that is dragged up or down sets the strength of a cell; sideways it takes or gives back all
 * cells that it crosses. A finger scrolls the page and the table; it presses cells, and the slider has their
 * strength.
 * @param {Mixer} mixer
 * @param {number} row
 * @param {(cell: Cell) => void} onCell
 */
function useCellDrag(mixer, row, onCell) {
  const began = useRef(
    /** @type {{ layer: number, x: number, y: number, way: "" | "across" | "up" } | null} */ (null),
  );
  const start = useRef(0);
  const end = () => {
    if (began.current?.way) mixer.release();
    began.current = null;
  };
  return {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      const layer = Number(/** @type {HTMLElement} */ (event.target).dataset.layer ?? NaN);
      if (event.pointerType === "touch" || event.button !== 0 || Number.isNaN(layer)) return;
      began.current = { layer, x: event.clientX, y: event.clientY, way: "" };
      start.current = mixer.rows[row].strengths[layer];
    },
    onPointerMove: (/** @type {PointerEvent & { currentTarget: HTMLElement }} */ event) => {
      const from = began.current;
      if (!from) return;
      const [across, up] = [event.clientX - from.x, from.y - event.clientY];
      if (!from.way) {
        if (Math.hypot(across, up) < SLACK) return;
        from.way = Math.abs(across) > Math.abs(up) ? "across" : "up";
        event.currentTarget.setPointerCapture(event.pointerId);
        onCell({ row, layer: from.layer });
      }
      if (from.way === "up") {
        const strength = Math.round(clamp(start.current + up / REACH, 0, 1) * 100) / 100;
        mixer.drag((rows) => withLayers(rows, row, [from.layer], strength), "mix-cells");
      } else {
        const to = layerAt(event, mixer.model.num_ws);
        const layers = span(from.layer, to);
        mixer.drag((rows) => withLayers(rows, row, layers, start.current > 0 ? 0 : 1), "mix-cells");
      }
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}

/** @param {PointerEvent & { currentTarget: HTMLElement }} event @param {number} count */
function layerAt(event, count) {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return clamp(Math.floor(((event.clientX - left) / width) * count), 0, count - 1);
}

/** All layers between two. @param {number} a @param {number} b */
const span = (a, b) => Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);

/**
 * Arrows go from cell to cell; PageUp, PageDown, + and - change the strength of the one that has the focus.
 * @param {KeyboardEvent} event
 * @param {TableProps} props
 */
function onCellKey(event, { mixer, onChoose, onCell }) {
  const { rows, model } = mixer;
  const at = /** @type {HTMLElement} */ (event.target).dataset.testid?.match(/^mix-cell-(\d+)-(\d+)$/);
  if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
  const [row, layer] = [Number(at[1]), Number(at[2])];
  const change = { PageUp: KEY_STEP, "+": KEY_STEP, PageDown: -KEY_STEP, "-": -KEY_STEP }[event.key];
  const to = {
    ArrowLeft: [row, layer - 1],
    ArrowRight: [row, layer + 1],
    ArrowUp: [row - 1, layer],
    ArrowDown: [row + 1, layer],
    Home: [row, 0],
    End: [row, model.num_ws - 1],
  }[event.key];
  if (!change && !to) return;
  event.preventDefault();
  if (change) {
    const strength = Math.round(clamp(rows[row].strengths[layer] + change, 0, 1) * 100) / 100;
    onChoose(row);
    onCell({ row, layer });
    mixer.change(withLayers(rows, row, [layer], strength), { gesture: `mix-cell-${row}-${layer}` });
  } else if (to) {
    const all = /** @type {HTMLElement} */ (event.currentTarget);
    /** @type {HTMLElement | null} */ (
      all.querySelector(`[data-testid="mix-cell-${to[0]}-${to[1]}"]`)
    )?.focus();
  }
}
