// Where a face comes from: seeds and truncation.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { plainDocument, seedBase, withBase, withPsi } from "../document.js";
import { modelOf, seedOf } from "../selectors.js";
import { IconButton, Switch } from "./controls.js";
import { Icon } from "./icons.js";
import { SeedField, randomSeed } from "./seed.js";
import { Slider } from "./slider.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { Base, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const PSI = { minimum: 0, maximum: 1.5, step: 0.01 };
const TRAIL_LENGTH = 100;
const STARTING_FACES = 6;

/** @param {View} view */
export function Explore({ state, store, editor, directing }) {
  const [trail, setTrail] = useState(/** @type {Base[]} */ ([]));
  const model = modelOf(state);
  const { document } = state;
  const seed = seedOf(state);
  const psi = document?.base.truncation_psi;
  const defaultPsi = document?.base.kind === "latent" ? 1 : (model?.default_psi ?? 0.7);

  /** @param {Base} base */
  const go = (base) => document && editor.change(withBase(document, base, state.keepAttributes));
  /** @param {number} next */
  const visit = (next) => {
    if (!document) return;
    setTrail([...trail, document.base].slice(-TRAIL_LENGTH));
    go(seedBase(next, document.base.kind === "seed" ? document.base.truncation_psi : defaultSeedPsi(model)));
  };
  const back = () => {
    const before = trail.at(-1);
    setTrail(trail.slice(0, -1));
    if (before) go(before);
  };
  const dice = useRef(() => {});
  dice.current = () => visit(randomSeed());
  useShortcut("r", dice);

  return h(
    "section",
    { class: "panel", id: "explore", "aria-labelledby": "explore-title" },
    h(
      "header",
      null,
      h("h2", { id: "explore-title" }, "Explore"),
      model?.editable &&
        h(
          "button",
          {
            type: "button",
            class: "link",
            "data-testid": "ask-faces",
            "aria-haspopup": "dialog",
            onClick: () => directing.open("request"),
          },
          "Ask for a face…",
        ),
    ),
    h(
      "div",
      { class: "row" },
      h(IconButton, {
        icon: "previous",
        label: "Previous face",
        testid: "previous",
        disabled: trail.length === 0,
        onClick: back,
      }),
      h(SeedField, { testid: "seed", label: "Seed", seed, disabled: !document, onSeed: visit }),
      h(
        "button",
        {
          type: "button",
          class: "button primary",
          "data-testid": "dice",
          "aria-label": "New face",
          title: "A new face (R)",
          disabled: !document,
          onClick: () => dice.current(),
        },
        h(Icon, { name: "dice" }),
        "New",
      ),
    ),
    h(Slider, {
      name: "psi",
      testid: "psi",
      label: "Truncation ψ",
      hint: "Low: closer to the average face. High: more varied, less certain.",
      ...PSI,
      value: psi,
      original: defaultPsi,
      onChange: (value, held) =>
        document && editor.change(withPsi(document, value), { gesture: "psi", held }),
      onRelease: () => editor.release(),
      onReset: () => document && editor.change(withPsi(document, defaultPsi)),
    }),
    h(Switch, {
      label: "Keep my edits on a new face",
      testid: "keep-edits",
      checked: state.keepAttributes,
      onChange: (keep) => store.dispatch({ type: "keep-attributes", keep }),
    }),
    model &&
      document &&
      state.picture !== "loading" &&
      h(StartingFaces, {
        model,
        seed,
        onSeed: visit,
      }),
  );
}

/** @param {ModelInfo | null} model */
const defaultSeedPsi = (model) => model?.default_psi ?? 0.7;

/**
 * Faces that the model is known to make well.
 * @param {{ model: ModelInfo, seed: number | null, onSeed: (seed: number) => void }} props
 */
function StartingFaces({ model, seed, onSeed }) {
  const { name, seeds, default_psi: psi } = model;
  if (seeds.length === 0) return null;
  return h(
    "div",
    { class: "faces", role: "group", "aria-label": "Faces to start from" },
    seeds.slice(0, STARTING_FACES).map((each) =>
      h(
        "button",
        {
          key: each,
          type: "button",
          class: "face-choice",
          "aria-label": `Face of seed ${each}`,
          "aria-pressed": each === seed,
          title: `Seed ${each}`,
          "data-testid": `start-${each}`,
          onClick: () => onSeed(each),
        },
        h(Thumbnail, { document: plainDocument(name, each, psi), model }),
      ),
    ),
  );
}

/** @param {string} key @param {{ current: () => void }} action */
function useShortcut(key, action) {
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const onKey = (event) => {
      const typing = event.target instanceof HTMLInputElement && /number|text/.test(event.target.type);
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing)
        return;
      action.current();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
