// Faces of one's own to mix in: those found in photos, and those of the gallery.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { foundFace, latentBase, plainDocument, sameDocument } from "../document.js";
import { storeLatent } from "../exporting_api.js";
import { plural, t } from "../language.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { Base, LoomDocument, ModelInfo } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

const MOST_SHOWN = 24;

/** @typedef {{ key: string, name: string, document: LoomDocument, source: Base | null }} OwnFace source null: not until it is stored */

/** What a source is called. @param {Base} source @param {Pick<State, "jobs" | "photos">} state */
export function nameOfSource(source, { jobs, photos }) {
  if (source.kind === "seed") return t("mix.seedFace", { seed: String(source.seed) });
  const job = jobs.find(({ latent }) => latent === source.latent);
  const photo = photos.find(({ id }) => id === job?.photo);
  return photo ? t("mix.photoFace", { name: photo.name }) : t("mix.storedFace");
}

/** @param {State} state @param {ModelInfo} model @returns {OwnFace[]} */
function ownFaces(state, model) {
  const found = state.jobs
    .filter(({ latent, model: of }) => latent && of === model.name)
    .reverse()
    .map(({ latent }) => {
      const source = latentBase(/** @type {string} */ (latent));
      const document = foundFace(model.name, /** @type {string} */ (latent));
      return { key: `latent ${latent}`, name: nameOfSource(source, state), document, source };
    });
  const kept = (state.gallery.items ?? [])
    .filter(({ document }) => document.model === model.name)
    .map(({ id, name, document }) => ({
      key: `item ${id}`,
      name: name || t("mix.galleryFace"),
      document,
      source: isPlain(document) ? document.base : null,
    }));
  return [...found, ...kept].slice(0, MOST_SHOWN);
}

/** Whether a document is nothing but its base. @param {LoomDocument} document */
const isPlain = (document) => {
  const plain = { ...plainDocument(document.model, 0, 1), base: document.base, noise: document.noise };
  return sameDocument({ ...document, layers: {} }, plain);
};

/**
 * @param {View & { model: ModelInfo, full: boolean, onAdd: (source: Base) => void,
 *   hover: (source: Base) => Record<string, unknown> }} props
 */
export function MixFaces({ state, editor, model, full, onAdd, hover }) {
  const [open, setOpen] = useState(false);
  const faces = ownFaces(state, model);
  if (faces.length === 0) return null;
  /** @param {OwnFace} face */
  const add = async ({ source, document }) => {
    try {
      if (source) return onAdd(source);
      const { latent } = await storeLatent(/** @type {string} */ (state.session), document);
      return onAdd(latentBase(latent));
    } catch (error) {
      return editor.report(error);
    }
  };
  return h(
    "details",
    {
      class: "more",
      "data-testid": "mix-faces",
      onToggle: (/** @type {{ currentTarget: HTMLDetailsElement }} */ event) =>
        setOpen(event.currentTarget.open),
    },
    h("summary", null, plural("mix.ownFaces", faces.length)),
    open &&
      h(
        "div",
        { class: "faces" },
        faces.map((face) =>
          h(
            "button",
            {
              key: face.key,
              type: "button",
              class: "face-choice",
              "aria-label": t("mix.addFace", { name: face.name }),
              title: face.name,
              "data-testid": "mix-own-face",
              disabled: full,
              onClick: () => void add(face),
              ...(face.source ? hover(face.source) : {}),
            },
            h(Thumbnail, { document: face.document, model }),
          ),
        ),
      ),
  );
}
