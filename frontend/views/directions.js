// Sliders along directions that were found or brought along, and what can be done with each.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { directionName } from "../direction_names.js";
import { spans, strengthOf, withDirection } from "../edits.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { IconButton, TextField } from "./controls.js";
import { Icon } from "./icons.js";
import { Slider } from "./slider.js";

/** @import { PlainKey } from "../language_types.js" */
/** @import { Direction } from "../editing_messages.js" */
/** @import { View } from "./app.js" */

const STEP = 0.05;
/** An imported file may name others. */
const METHODS = /** @type {Record<string, PlainKey>} */ ({
  sefa: "method.sefa",
  ganspace: "method.ganspace",
  ganspace_features: "method.ganspace_features",
  boundary: "method.boundary",
});
/** @param {string} method */
const methodName = (method) => (METHODS[method] ? t(METHODS[method]) : method);

/** @param {View} view */
export function Directions(view) {
  const { state, directing } = view;
  const model = modelOf(state);
  const known = state.tools.directions?.model === model?.name ? state.tools.directions : null;
  const saved = known?.saved ?? [];
  return h(
    "section",
    { class: "panel", id: "directions", "aria-labelledby": "directions-title" },
    h(
      "header",
      null,
      h("h2", { id: "directions-title" }, t("section.directions")),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "find-directions",
          "aria-haspopup": "dialog",
          disabled: !model,
          onClick: () => directing.open("search"),
        },
        t("directions.find"),
      ),
    ),
    saved.length === 0 &&
      h(
        "p",
        { class: "note" },
        t("directions.about"),
      ),
    saved.map((direction) => h(DirectionSlider, { key: direction.id, ...view, direction })),
    saved.length > 0 && h(Saved, { ...view, saved }),
  );
}

/** @param {View & { direction: Direction }} props */
function DirectionSlider({ state, editor, direction }) {
  const { document } = state;
  const { id, method, layers, minimum, maximum } = direction;
  const set = (/** @type {number} */ strength, /** @type {import("../editor.js").Manner} */ manner = {}) =>
    document && editor.change(withDirection(document, id, strength), manner);
  return h(Slider, {
    name: `direction-${id}`,
    label: directionName(direction.name),
    hint: t("directions.hint", { method: methodName(method), layers: spans(layers) }),
    minimum,
    maximum,
    step: STEP,
    value: document ? strengthOf(document, id) : undefined,
    original: 0,
    onChange: (strength, held) => set(strength, { gesture: id, held }),
    onRelease: () => editor.release(),
    onReset: () => set(0),
  });
}

/** @param {View & { saved: Direction[] }} props */
function Saved({ directing, saved }) {
  return h(
    "details",
    { class: "more", "data-testid": "manage-directions" },
    h("summary", null, t("directions.manage")),
    h(
      "ul",
      { class: "saved" },
      saved.map((direction) => h(SavedRow, { key: direction.id, direction, directing })),
    ),
  );
}

/** @param {{ direction: Direction, directing: View["directing"] }} props */
function SavedRow({ direction, directing }) {
  const { file_url: file } = direction;
  const name = directionName(direction.name);
  const [sure, setSure] = useState(false);
  const rename = async (/** @type {string} */ typed) => {
    if (typed && typed !== name) await directing.rename(direction, typed);
  };
  return h(
    "li",
    { "data-testid": `saved-${name}` },
    h(
      "span",
      { class: "field" },
      h(TextField, {
        maxLength: 80,
        value: name,
        label: t("directions.nameOf", { name }),
        testid: `rename-${name}`,
        onChange: rename,
      }),
    ),
    h(
      "a",
      {
        class: "icon-button quiet",
        href: file,
        download: "",
        "aria-label": t("directions.export", { name }),
        title: t("directions.export", { name }),
      },
      h(Icon, { name: "download" }),
    ),
    sure
      ? h(
          "button",
          {
            type: "button",
            class: "button danger",
            "data-testid": `delete-sure-${name}`,
            onClick: () => void directing.remove(direction),
            onBlur: () => setSure(false),
          },
          t("directions.sure"),
        )
      : h(IconButton, {
          icon: "close",
          label: t("directions.delete", { name }),
          testid: `delete-${name}`,
          quiet: true,
          onClick: () => setSure(true),
        }),
  );
}
