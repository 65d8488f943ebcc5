// Grids of faces to choose from: new ones, and variations of the one being edited.

import { h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { wentOn } from "../exploring.js";
import { addToGallery } from "../exporting_api.js";
import { MOST, MOST_MIXED, PAGE, STEP, gridSeeds, newFace, variation } from "../grid.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { Switch } from "../views/controls.js";
import { Icon } from "../views/icons.js";
import { randomSeed } from "../views/seed.js";
import { Slider } from "../views/slider.js";
import { levelOf, useTiles } from "../views/tiles.js";
import { usualPsi } from "../views/truncation.js";
import { Dialog } from "./dialog.js";
import { Failures, Faces, More } from "./grid_faces.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { ComponentChildren } from "../vendor/preact.js" */
/** @import { View } from "../views/app.js" */

const SIDE = 128;

/** @typedef {{ document: LoomDocument, model: ModelInfo }} Edited what was being edited when the grid opened */

/** @param {View} view */
export function NewFaces(view) {
  const { state, store } = view;
  const edited = useEdited(view);
  if (!edited) return null;
  const keepEdits = state.keepAttributes;
  return h(
    GridDialog,
    {
      view,
      edited,
      title: t("grid.title"),
      note: t("grid.note"),
      variant: `${keepEdits}`,
      face: (seed) => newFace(edited.document, seed, { psi: usualPsi(edited.model), keepEdits }),
    },
    h(Switch, {
      label: t("grid.keepEdits"),
      testid: "grid-keep-edits",
      checked: keepEdits,
      onChange: (keep) => store.dispatch({ type: "keep-attributes", keep }),
    }),
  );
}

/** @param {View} view */
export function Variations(view) {
  const edited = useEdited(view);
  const [step, setStep] = useState(STEP.usual);
  const [asked, setAsked] = useState(STEP.usual);
  if (!edited) return null;
  const { document, model } = edited;
  const how = { step: asked, psi: usualPsi(model), layers: model.num_ws };
  const full = document.mix.length >= MOST_MIXED;
  return h(
    GridDialog,
    {
      view,
      edited,
      title: t("grid.variations"),
      note: full ? t("grid.mixedFull", { most: MOST_MIXED }) : t("grid.variationsNote"),
      variant: `${asked}`,
      face: full ? null : (seed) => variation(document, seed, how),
    },
    h(Slider, {
      ...STEP,
      name: "step",
      label: t("grid.step"),
      hint: t("grid.stepHint"),
      value: step,
      original: STEP.usual,
      disabled: full,
      onChange: (value, held) => {
        setStep(value);
        if (!held) setAsked(value);
      },
      onRelease: () => setAsked(step),
      onReset: () => {
        setStep(STEP.usual);
        setAsked(STEP.usual);
      },
    }),
  );
}

/** The face that the grid is about stays the same, whatever arrives meanwhile. @param {View} view */
function useEdited({ state }) {
  const kept = useRef(/** @type {Edited | null} */ (null));
  const model = modelOf(state);
  if (!kept.current && model && state.document) kept.current = { document: state.document, model };
  return kept.current;
}

/**
 * @param {{ view: View, edited: Edited, title: string, note: string, variant: string,
 *   face: ((seed: number) => LoomDocument) | null, children?: ComponentChildren }} props
 *   face null: there can be none
 */
function GridDialog({ view, edited, title, note, variant, face, children }) {
  const { state, store, editor } = view;
  const [first, setFirst] = useState(randomSeed);
  const [count, setCount] = useState(PAGE);
  const seeds = face ? gridSeeds(first, count) : [];
  const wanted = face ? seeds.map((seed) => ({ key: `${variant} ${seed}`, document: face(seed) })) : [];
  const tiles = useTiles(wanted, levelOf(edited.model, SIDE));
  const close = () => store.dispatch({ type: "tools", change: { dialog: null } });
  /** @param {LoomDocument} document */
  const choose = (document) => {
    const { trail } = state.exploring;
    store.dispatch({
      type: "exploring",
      change: { trail: wentOn(trail, edited.document.base, document.base) },
    });
    editor.change(document);
    close();
  };
  return h(
    Dialog,
    { title, testid: "grid", onClose: close },
    h("p", { class: "note" }, note),
    h(
      "div",
      { class: "grid-tools" },
      children,
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "grid-others",
          disabled: !face,
          onClick: () => {
            setFirst(randomSeed());
            setCount(PAGE);
          },
        },
        h(Icon, { name: "dice" }),
        t("grid.others"),
      ),
    ),
    h(Failures, { wanted, tiles }),
    h(Faces, { wanted, tiles, seeds, onChoose: choose, onKeep: (document) => keep(view, document) }),
    face && count < MOST && h(More, { ready: tiles.done >= count, onMore: () => setCount(count + PAGE) }),
  );
}

/** @param {View} view @param {LoomDocument} document */
async function keep({ state, store, editor }, document) {
  if (!state.session) return false;
  try {
    const item = await addToGallery(state.session, document, "");
    store.dispatch({ type: "gallery", action: { do: "added", items: [item] } });
    return true;
  } catch (error) {
    editor.report(error);
    return false;
  }
}
