// Pure functions on the edit document: each returns a new document, or the same one if nothing changed.

import { NO_EDITS, editsFor } from "./edits.js";
import { convolutionsOf } from "./layer_names.js";
import { mixFor } from "./mix_rows.js";
import { PLAIN_NOISE, noiseFor, noiseOf } from "./noise_layers.js";

/** @import { AttributeInfo, AttributeValues, Base, LoomDocument, ModelInfo } from "./messages.js" */

export const MAX_SEED = 2 ** 31 - 1;

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * The nearest value a slider can stand on.
 * @param {number} value
 * @param {{ minimum: number, maximum: number, step: number }} range
 */
export function snap(value, { minimum, maximum, step }) {
  const stepped = minimum + Math.round((value - minimum) / step) * step;
  return Number(clamp(stepped, minimum, maximum).toFixed(6));
}

/** @param {number} seed @param {number} psi @returns {Base} */
export const seedBase = (seed, psi) => ({
  kind: "seed",
  seed: clamp(Math.trunc(seed), 0, MAX_SEED),
  truncation_psi: psi,
  truncation_cutoff: null,
});

/** @param {string} latent @returns {Base} */
export const latentBase = (latent) => ({
  kind: "latent",
  latent,
  truncation_psi: 1,
  truncation_cutoff: null,
});

/**
 * A seed's face with nothing done to it.
 * @param {string} model
 * @param {number} seed
 * @param {number} psi
 * @returns {LoomDocument}
 */
export const plainDocument = (model, seed, psi) => ({
  model,
  base: seedBase(seed, psi),
  mix: [],
  ...NO_EDITS,
  noise: { ...PLAIN_NOISE },
});

/**
 * Another face to start from. Edits belong to the face they were made on, so they go unless kept; what a person
 * said about that face goes anyway.
 * @param {LoomDocument} document
 * @param {Base} base
 * @param {boolean} keepAttributes
 * @returns {LoomDocument}
 */
export function withBase(document, base, keepAttributes) {
  const edits = keepAttributes ? {} : { attributes: {}, light: null, directions: [] };
  return { ...document, base, ...edits, base_attributes: {} };
}

/**
 * A face found in a photo, as it was found: what was mixed in or edited before does not belong to it.
 * @param {string} model in which it was found
 * @param {string} latent
 * @returns {LoomDocument}
 */
export const foundFace = (model, latent) => ({
  model,
  base: latentBase(latent),
  mix: [],
  ...NO_EDITS,
  noise: { ...PLAIN_NOISE },
});

/**
 * The same seed in another model. A face found in a photo belongs to the model it was found in, so it makes
 * way for one of the new model's own; what the new model has no layer or attribute for goes.
 * @param {LoomDocument} document
 * @param {ModelInfo} model
 * @param {boolean} keepAttributes
 * @returns {LoomDocument}
 */
export function withModel(document, model, keepAttributes) {
  /** @param {Base} base @returns {Base} */
  const within = (base) => {
    const cutoff = base.truncation_cutoff;
    return cutoff !== null && cutoff > model.num_ws ? { ...base, truncation_cutoff: null } : base;
  };
  return {
    ...document,
    model: model.name,
    base:
      document.base.kind === "seed"
        ? within(document.base)
        : seedBase(model.seeds[0] ?? 0, model.default_psi),
    mix: mixFor(document.mix, within, model),
    noise: noiseFor(noiseOf(document), convolutionsOf(model)),
    ...editsFor(document, model, keepAttributes),
  };
}

/** @param {LoomDocument} document @param {number} psi @returns {LoomDocument} */
export const withPsi = (document, psi) => ({ ...document, base: { ...document.base, truncation_psi: psi } });

/** @param {LoomDocument} document @param {number | null} cutoff layers that are truncated; null: all */
export const withCutoff = (document, cutoff) => ({
  ...document,
  base: { ...document.base, truncation_cutoff: cutoff },
});

/**
 * Sets one target, which a locked attribute cannot have. A target that stands where the face already is goes
 * away again, so that the picture is exactly the one before the edit.
 * @param {LoomDocument} document
 * @param {AttributeInfo} info
 * @param {number} value
 * @param {number | undefined} original estimated value at the base, if known
 * @returns {LoomDocument}
 */
export function withAttribute(document, info, value, original) {
  const target = snap(value, info);
  if (original !== undefined && target === snap(original, info)) return withoutAttribute(document, info.name);
  const locks = document.locks.filter((name) => name !== info.name);
  return { ...document, locks, attributes: { ...document.attributes, [info.name]: target } };
}

/** @param {LoomDocument} document @param {string} name @returns {LoomDocument} */
export function withoutAttribute(document, name) {
  if (!(name in document.attributes)) return document;
  const attributes = { ...document.attributes };
  delete attributes[name];
  return { ...document, attributes };
}

/**
 * Names the face that the attribute values are estimated on: base and what is mixed in, not the edits.
 * @param {LoomDocument} document
 */
export const faceKey = ({ model, base, mix }) =>
  JSON.stringify([model, base, mix.filter(({ layers }) => layers.length > 0)]);

/** @param {LoomDocument} a @param {LoomDocument} b */
export const sameDocument = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

/**
 * Where a slider stands: the target, else the original, else nowhere yet.
 * @param {AttributeValues} targets
 * @param {AttributeValues | null} originals
 * @param {string} name
 * @returns {number | undefined}
 */
export const standing = (targets, originals, name) => targets[name] ?? originals?.[name];
