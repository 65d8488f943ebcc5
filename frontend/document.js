// Pure functions on the edit document: each returns a new document, or the same one if nothing changed.

import { NO_EDITS, editsFor } from "./edits.js";

/** @import { AttributeInfo, AttributeValues, Base, LoomDocument, ModelInfo } from "./messages.js" */

export const MAX_SEED = 2 ** 31 - 1;
export const PLAIN_NOISE = Object.freeze({ seed: null, strength: 1 });

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
  const mix = document.mix
    .filter(({ source }) => source.kind === "seed")
    .map((each) => ({
      ...each,
      source: within(each.source),
      layers: each.layers.filter((layer) => layer < model.num_ws),
    }));
  return {
    ...document,
    model: model.name,
    base:
      document.base.kind === "seed"
        ? within(document.base)
        : seedBase(model.seeds[0] ?? 0, model.default_psi),
    mix: mix.filter(({ layers }) => layers.length > 0),
    ...editsFor(document, model, keepAttributes),
  };
}

/** @param {LoomDocument} document @param {number} psi @returns {LoomDocument} */
export const withPsi = (document, psi) => ({ ...document, base: { ...document.base, truncation_psi: psi } });

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
 * @typedef {object} MixSettings what the mix panel shows, also while mixing is off
 * @property {boolean} enabled
 * @property {number} seed
 * @property {number} crossover first layer taken from the second face; num_ws takes none
 * @property {number} strength 0..1
 */

/**
 * @param {LoomDocument} document
 * @param {MixSettings} mix
 * @param {ModelInfo} model
 * @returns {LoomDocument}
 */
export function withMix(document, mix, model) {
  if (!mix.enabled) return document.mix.length ? { ...document, mix: [] } : document;
  const layers = Array.from(
    { length: Math.max(0, model.num_ws - mix.crossover) },
    (_, i) => mix.crossover + i,
  );
  const source = seedBase(mix.seed, model.default_psi);
  return { ...document, mix: layers.length ? [{ source, layers, strength: mix.strength }] : [] };
}

/**
 * The mix panel's settings as a restored or undone document has them; what it does not say stays as it was.
 * @param {LoomDocument} document
 * @param {MixSettings} current
 * @returns {MixSettings}
 */
export function mixSettings(document, current) {
  const first = document.mix[0];
  if (!first) return { ...current, enabled: false };
  const seed = first.source.kind === "seed" ? first.source.seed : current.seed;
  const crossover = first.layers.length ? Math.min(...first.layers) : current.crossover;
  return { enabled: true, seed, crossover, strength: first.strength };
}

/**
 * Names the face that the attribute values are estimated on: base and mix, not the edits.
 * @param {LoomDocument} document
 */
export const faceKey = (document) => JSON.stringify([document.model, document.base, document.mix]);

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
