// Where a face comes from: seeds, truncation, the faces seen lately, and ways to find others.

import { Fragment, h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { plainDocument, seedBase, withBase } from "../document.js";
import { asSetNow, faceBefore, faceName, wentOn } from "../exploring.js";
import { message } from "../kept_text.js";
import { t } from "../language.js";
import { modelOf, seedOf } from "../selectors.js";
import { useShortcut } from "../shortcuts.js";
import { IconButton, Switch } from "./controls.js";
import { Icon } from "./icons.js";
import { CopySeed, SeedField, SeedLock, faceTitle, randomSeed } from "./seed.js";
import { useOnDemand } from "./on_demand.js";
import { Thumbnail } from "./thumbnail.js";
import { Truncation, usualPsi } from "./truncation.js";

/** @import { Base, LoomDocument, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const STARTING_FACES = 6;
const SHOWN_OF_TRAIL = 12;

/** @param {View} view */
export function Explore(view) {
  const { state, store, editor } = view;
  const model = modelOf(state);
  const { document, exploring } = state;
  const { locked, trail } = exploring;
  const seed = seedOf(state);

  /** @param {Base} base */
  const go = (base) => {
    if (!document) return;
    store.dispatch({ type: "exploring", change: { trail: wentOn(trail, document.base, base) } });
    editor.change(withBase(document, base, state.keepAttributes));
  };
  /** @param {number} next */
  const visit = (next) => document && go(anotherSeed(document, next, model));
  const dice = useRef(() => {});
  dice.current = () => {
    if (!locked) visit(randomSeed());
    else
      store.dispatch({
        type: "toast",
        tone: "info",
        title: message("seed.held"),
        detail: message("seed.heldHint"),
        hint: "",
      });
  };
  useShortcut({ keys: "r", message: "key.newFace" }, dice);
  const before = document && faceBefore(trail, document.base);
  const ready = model && document && state.picture !== "loading";

  return h(
    "section",
    { class: "panel", id: "explore", "aria-labelledby": "explore-title" },
    h(
      "header",
      null,
      h("h2", { id: "explore-title" }, t("section.explore")),
      model?.editable && h(AskForFaces, view),
    ),
    h(
      "div",
      { class: "row" },
      h(SeedField, { testid: "seed", label: t("seed.label"), seed, disabled: !document, onSeed: visit }),
      h(CopySeed, { seed }),
      h(SeedLock, {
        locked,
        disabled: !document,
        onLock: (on) => store.dispatch({ type: "exploring", change: { locked: on } }),
      }),
    ),
    h(
      "div",
      { class: "row" },
      h(IconButton, {
        icon: "previous",
        label: t("explore.previous"),
        testid: "previous",
        disabled: !before,
        onClick: () => document && before && go(asSetNow(before, document.base)),
      }),
      h(
        "button",
        {
          type: "button",
          class: "button primary grow",
          "data-testid": "dice",
          title: locked ? t("seed.held") : t("explore.newHint"),
          disabled: !document || locked,
          onClick: () => dice.current(),
        },
        h(Icon, { name: "dice" }),
        t("explore.new"),
      ),
    ),
    h(Truncation, view),
    h(Switch, {
      label: t("explore.keepEdits"),
      testid: "keep-edits",
      checked: state.keepAttributes,
      onChange: (keep) => store.dispatch({ type: "keep-attributes", keep }),
    }),
    model && h(StartingFaces, { model, seed, draw: Boolean(ready), onSeed: visit }),
    ready &&
      trail.length > 1 &&
      h(Trail, { model, document, trail, onFace: (base) => go(asSetNow(base, document.base)) }),
    h(Ways, view),
  );
}

/**
 * Another seed as far truncated as this face. The average face, from which a map begins, is no face to go on
 * from: every seed would be it again.
 * @param {LoomDocument} document
 * @param {number} seed
 * @param {ModelInfo | null} model
 */
function anotherSeed({ base, directions }, seed, model) {
  const average = base.truncation_psi === 0 && directions.length > 0;
  if (base.kind !== "seed" || average) return seedBase(seed, usualPsi(model));
  return { ...seedBase(seed, base.truncation_psi), truncation_cutoff: base.truncation_cutoff };
}

/** @param {View} view */
function AskForFaces({ directing }) {
  return h(
    "button",
    {
      type: "button",
      class: "link",
      "data-testid": "ask-faces",
      "aria-haspopup": "dialog",
      onClick: () => directing.open("request"),
    },
    t("explore.ask"),
  );
}

/**
 * Faces that the model is known to make well.
 * @param {{ model: ModelInfo, seed: number | null, draw: boolean, onSeed: (seed: number) => void }} props
 *   draw: the face itself is there, so that its pictures come after it
 */
function StartingFaces({ model, seed, draw, onSeed }) {
  const { name, seeds, default_psi: psi } = model;
  if (seeds.length === 0) return null;
  return h(
    "div",
    { class: "faces", role: "group", "aria-label": t("explore.start") },
    seeds.slice(0, STARTING_FACES).map((each) =>
      h(
        "button",
        {
          key: each,
          type: "button",
          class: "face-choice",
          "aria-label": t("explore.startSeed", { seed: String(each) }),
          "aria-pressed": each === seed,
          title: t("seed.of", { seed: String(each) }),
          "data-testid": `start-${each}`,
          onClick: () => onSeed(each),
        },
        draw
          ? h(Thumbnail, { document: plainDocument(name, each, psi), model })
          : h("span", { class: "thumbnail" }),
      ),
    ),
  );
}

/**
 * The faces seen lately, newest first.
 * @param {{ model: ModelInfo, document: LoomDocument, trail: Base[], onFace: (base: Base) => void }} props
 */
function Trail({ model, document, trail, onFace }) {
  const plain = plainDocument(model.name, 0, 0);
  return h(
    "div",
    { class: "trail", role: "group", "aria-label": t("explore.trail"), "data-testid": "trail" },
    trail
      .slice(-SHOWN_OF_TRAIL)
      .reverse()
      .map((base) =>
        h(
          "button",
          {
            key: faceName(base),
            type: "button",
            class: "face-choice",
            "aria-label": t("explore.backTo", { face: faceTitle(base) }),
            "aria-pressed": faceName(base) === faceName(document.base),
            title: faceTitle(base),
            onClick: () => onFace(base),
          },
          h(Thumbnail, { document: { ...plain, base }, model }),
        ),
      ),
  );
}

const MAP = { map: async () => (await import("./latent_map.js")).LatentMap };

/** What is fetched when it is asked for. @param {View} view */
function Ways(view) {
  const { state, store, editor } = view;
  const [open, setOpen] = useState(false);
  const map = useOnDemand(open ? "map" : null, MAP, { editor, onFailed: () => setOpen(false) });
  const disabled = !modelOf(state) || !state.document;
  /** @param {"grid" | "variations" | "walk"} dialog */
  const show = (dialog) => store.dispatch({ type: "tools", change: { dialog, refusal: null } });
  return h(
    Fragment,
    null,
    h(
      "div",
      { class: "ways" },
      /** @type {const} */ (["grid", "variations", "walk"]).map((dialog) =>
        h(
          "button",
          {
            key: dialog,
            type: "button",
            class: "button",
            "aria-haspopup": "dialog",
            "data-testid": `open-${dialog}`,
            title: t(`explore.${dialog}Hint`),
            disabled,
            onClick: () => show(dialog),
          },
          t(`explore.${dialog}`),
        ),
      ),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "aria-expanded": open,
          "aria-controls": "latent-map",
          "data-testid": "open-map",
          title: t("explore.mapHint"),
          disabled,
          onClick: () => setOpen(!open),
        },
        t("explore.map"),
      ),
    ),
    h("div", { id: "latent-map" }, map && h(map, view)),
  );
}
