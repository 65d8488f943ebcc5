// Faces that can join a walk: the one being edited, a new one, those seen lately, the gallery, the history.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { plainDocument } from "../document.js";
import { newFace } from "../grid.js";
import { nodesOf } from "../history.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { MOST_KEYS, fits } from "../timeline.js";
import { Select } from "../views/controls.js";
import { Icon } from "../views/icons.js";
import { faceTitle, randomSeed } from "../views/seed.js";
import { Thumbnail } from "../views/thumbnail.js";
import { usualPsi } from "../views/truncation.js";

/** @import { LoomDocument } from "../messages.js" */
/** @import { Timeline, TimelineAction } from "../timeline.js" */
/** @import { View } from "../views/app.js" */

/** As many as are looked through; of a long history the newest. */
const SHOWN = 48;

/** @typedef {"trail" | "gallery" | "history"} Source */
/** @typedef {{ key: string, title: string, document: LoomDocument }} Offer */

/** @param {{ view: View, timeline: Timeline, change: (action: TimelineAction) => void }} props */
export function WalkSources({ view, timeline, change }) {
  const { state } = view;
  const [source, setSource] = useState(/** @type {Source} */ ("trail"));
  const model = modelOf(state);
  const { document } = state;
  if (!model || !document) return null;
  const full = timeline.keys.length >= MOST_KEYS;
  const foreign = !full && !fits(timeline, document);
  const offers = offersOf(state, source).filter((offer) => fits(timeline, offer.document));
  /** @param {LoomDocument} face */
  const add = (face) => change({ type: "add", document: face });
  const random = () =>
    newFace(document, randomSeed(), { psi: usualPsi(model), keepEdits: state.keepAttributes });
  return h(
    "div",
    { class: "walk-sources" },
    h(
      "div",
      { class: "row wrap" },
      h("strong", null, t("walk.add")),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "walk-add-current",
          disabled: full || foreign,
          onClick: () => add(document),
        },
        t("walk.addCurrent"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "walk-add-new",
          disabled: full || foreign,
          onClick: () => add(random()),
        },
        h(Icon, { name: "dice" }),
        t("walk.addNew"),
      ),
      h(Select, {
        class: "select short",
        label: t("walk.source"),
        testid: "walk-source",
        value: source,
        options: /** @type {Source[]} */ (["trail", "gallery", "history"]).map(
          (each) => /** @type {[string, string]} */ ([each, t(`walk.from.${each}`)]),
        ),
        onChange: (chosen) => setSource(/** @type {Source} */ (chosen)),
      }),
    ),
    (full || foreign) &&
      h("p", { class: "note" }, full ? t("walk.full", { most: MOST_KEYS }) : t("walk.foreign")),
    offers.length
      ? h(
          "div",
          {
            class: "trail",
            role: "group",
            "aria-label": t(`walk.from.${source}`),
            "data-testid": "walk-offers",
          },
          offers.map(({ key, title, document: face }) =>
            h(
              "button",
              {
                key,
                type: "button",
                class: "face-choice",
                "aria-label": t("walk.addThis", { face: title }),
                title,
                onClick: () => add(face),
              },
              h(Thumbnail, { document: face, model }),
            ),
          ),
        )
      : h("p", { class: "note" }, t("walk.nothing")),
  );
}

/** @param {View["state"]} state @param {Source} source @returns {Offer[]} newest first */
function offersOf(state, source) {
  const { document, exploring, gallery, history } = state;
  if (source === "gallery")
    return (gallery.items ?? []).slice(0, SHOWN).map(({ id, name, document: face }) => ({
      key: id,
      title: name || faceTitle(face.base),
      document: face,
    }));
  if (source === "history")
    return nodesOf(history)
      .reverse()
      .slice(0, SHOWN)
      .map((node) => ({
        key: node.id,
        title: node.name || faceTitle(node.document.base),
        document: node.document,
      }));
  const plain = plainDocument(document?.model ?? "", 0, 0);
  return exploring.trail
    .slice(-SHOWN)
    .reverse()
    .map((base) => ({ key: JSON.stringify(base), title: faceTitle(base), document: { ...plain, base } }));
}
