// What pointers and keys do to the cells of the mix: dragging for strength, sweeping over layers, arrows.

import { useRef } from "../vendor/hooks.js";
import { clamp } from "../document.js";
import { withLayers } from "../mixing.js";

/** @import { Cell, Mixer } from "./mix.js" */
/** @import { TableProps } from "./mix_table.js" */

/** Pixels that a pointer goes up or down for a whole strength. */
const REACH = 100;
/** A pointer that went less far has clicked. */
const SLACK = 5;
const KEY_STEP = 0.1;

/**
 * A mouse or pen that is dragged up or down sets the strength of a cell; sideways it takes or gives back all
 * cells that it crosses. A finger scrolls the page and the table; it presses cells, and the slider has their
 * strength.
 * @param {Mixer} mixer
 * @param {number} row
 * @param {(cell: Cell) => void} onCell
 */
export function useCellDrag(mixer, row, onCell) {
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
export function onCellKey(event, { mixer, onChoose, onCell }) {
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
