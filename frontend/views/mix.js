// Other faces, and which layers are taken from them.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { seedBase } from "../document.js";
import { t } from "../language.js";
import { mixOf } from "../mix_rows.js";
import {
  LEAST_STRENGTH,
  alone,
  shownRows,
  strengthOf,
  withFaceAdded,
  withOtherSource,
  withSource,
  withStrength,
  withoutSource,
} from "../mixing.js";
import { modelOf } from "../selectors.js";
import { IconButton, Switch } from "./controls.js";
import { Icon } from "./icons.js";
import { MixFaces } from "./mix_faces.js";
import { Presets } from "./mix_presets.js";
import { MixTable } from "./mix_table.js";
import { SeedField, randomSeed } from "./seed.js";
import { Slider } from "./slider.js";

/** @import { Manner } from "../editor.js" */
/** @import { Base, LoomDocument, MixSource, ModelInfo } from "../messages.js" */
/** @import { Row } from "../mix_rows.js" */
/** @import { View } from "./app.js" */

/** @typedef {{ row: number, layer: number }} Cell */
/**
 * What the parts of the panel do with the mix.
 * @typedef {object} Mixer
 * @property {ModelInfo} model
 * @property {Row[]} rows
 * @property {number} chosen the row that presets, crossover and strength are for
 * @property {boolean} on
 * @property {(rows: Row[], manner?: Manner) => void} change
 * @property {(make: (rows: Row[]) => Row[], gesture: string) => void} drag makes the rows from those that were
 *   there when a held pointer began to move
 * @property {() => void} release
 * @property {(mix: MixSource[]) => Record<string, unknown>} hover shows a mix while a mouse rests there
 */

/** @param {View} view */
export function Mix(view) {
  const { state, editor } = view;
  const model = modelOf(state);
  const { document } = state;
  const on = (document?.mix.length ?? 0) > 0;
  const rows = document && model ? shownRows(document, state.mixing, model) : [];
  const turn = () => document && editor.change({ ...document, mix: on ? [] : mixOf(rows) });
  return h(
    "section",
    { class: "panel", id: "mix", "aria-labelledby": "mix-title" },
    h(
      "header",
      null,
      h("h2", { id: "mix-title" }, t("section.mix")),
      h(Switch, {
        label: t("mix.on"),
        testid: "mix-enable",
        checked: on,
        disabled: rows.length === 0,
        onChange: turn,
      }),
    ),
    document && model
      ? h(MixBody, { ...view, document, model, rows, on })
      : h("div", { class: "mix-place" }),
  );
}

/** @param {View & { document: LoomDocument, model: ModelInfo, rows: Row[], on: boolean }} props */
function MixBody(props) {
  const { store, editor, trial, document, model, rows, on } = props;
  const [choice, choose] = useState(0);
  const [cell, setCell] = useState(/** @type {Cell | null} */ (null));
  const began = useRef(/** @type {Row[] | null} */ (null));
  useEffect(() => () => trial.leave(), []);
  const chosen = Math.max(0, Math.min(choice, rows.length - 1));
  /** @type {Mixer} */
  const mixer = {
    model,
    rows,
    chosen,
    on,
    change: (next, manner) => {
      trial.leave();
      editor.change({ ...document, mix: mixOf(next) }, manner);
      if (next.length === 0) store.dispatch({ type: "mixing", change: { shelf: [] } });
    },
    drag: (make, gesture) => {
      began.current ??= rows;
      mixer.change(make(began.current), { gesture, held: true });
    },
    release: () => {
      began.current = null;
      editor.release();
    },
    hover: (mix) => ({
      onPointerEnter: (/** @type {PointerEvent} */ event) =>
        event.pointerType !== "touch" && trial.show({ ...document, mix }),
      onPointerLeave: () => trial.leave(),
    }),
  };
  /** @param {Base} source */
  const add = (source) => {
    const mixed = withFaceAdded(store.get(), source, model);
    if (!mixed) return;
    trial.leave();
    editor.change(mixed);
    choose(mixed.mix.length - 1);
    setCell(null);
  };
  const pick = (/** @type {number} */ row) => {
    choose(row);
    setCell(null);
  };
  const row = rows[chosen];
  return h(
    "div",
    {
      class: on ? "mix" : "mix off",
      "data-testid": "mix",
      "data-trying": props.state.mixing.trying ? "1" : "0",
    },
    row && h(Presets, { mixer }),
    h(MixTable, { mixer, cell, onCell: setCell, onChoose: pick, onAdd: add, state: props.state }),
    row && h(MixStrength, { mixer, cell }),
    row && h(ChosenSource, { mixer }),
    h(MixFaces, {
      ...props,
      onAdd: add,
      hover: (source) => mixer.hover(alone(source, [row], model)),
      full: withSource(rows, seedBase(0, 1), model) === rows,
    }),
  );
}

/** Of all layers of the chosen source, or of the one that was pressed last. @param {{ mixer: Mixer, cell: Cell | null }} props */
function MixStrength({ mixer, cell }) {
  const { rows, chosen } = mixer;
  const row = rows[chosen];
  const layer = cell?.row === chosen && cell.layer < row.strengths.length ? cell.layer : null;
  const set = (/** @type {number} */ strength) => (/** @type {Row[]} */ from) =>
    withStrength(from, chosen, strength, layer);
  return h(Slider, {
    name: "mix-strength",
    label: layer === null ? t("mix.strength") : t("mix.strengthOfLayer", { layer }),
    hint: layer === null ? t("mix.strengthHint") : t("mix.strengthOfLayerHint"),
    minimum: layer === null ? LEAST_STRENGTH : 0,
    maximum: 1,
    step: 0.01,
    value: layer === null ? strengthOf(row) : row.strengths[layer],
    original: 1,
    onChange: (value, held) =>
      held
        ? mixer.drag(set(value), "mix-strength")
        : mixer.change(set(value)(rows), { gesture: "mix-strength" }),
    onRelease: mixer.release,
    onReset: () => mixer.change(set(1)(rows)),
  });
}

/** The face of the chosen source: its seed, another one instead, and the way out. @param {{ mixer: Mixer }} props */
function ChosenSource({ mixer }) {
  const { rows, chosen, model } = mixer;
  const { source } = rows[chosen];
  const psi = source.kind === "seed" ? source.truncation_psi : model.default_psi;
  const replace = (/** @type {number} */ seed) =>
    mixer.change(withOtherSource(rows, chosen, seedBase(seed, psi)));
  return h(
    "div",
    { class: "row" },
    h(SeedField, {
      seed: source.kind === "seed" ? source.seed : null,
      disabled: false,
      testid: "mix-seed",
      label: t("mix.seed"),
      onSeed: replace,
    }),
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": "mix-dice",
        "aria-label": t("mix.newFace"),
        title: t("mix.newFace"),
        onClick: () => replace(randomSeed()),
      },
      h(Icon, { name: "dice" }),
      t("mix.new"),
    ),
    h(IconButton, {
      icon: "close",
      label: t("mix.remove"),
      testid: "mix-remove",
      quiet: true,
      onClick: () => mixer.change(withoutSource(rows, chosen)),
    }),
  );
}
