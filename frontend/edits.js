// Pure functions on the edits of a document: light, locks, corrections, layers and directions. What stands
// where it would stand anyway goes away, so that a document without edits is the plain one.

/** @import { LoomDocument, ModelInfo } from "./messages.js" */
/** @import { Lamp, LampChange, LayerRules, Layers } from "./editing_messages.js" */

/** A face as it is. */
export const NO_EDITS = Object.freeze({
  attributes: {},
  base_attributes: {},
  locks: /** @type {string[]} */ ([]),
  calibrated: false,
  light: null,
  layers: {},
  directions: /** @type {LoomDocument["directions"]} */ ([]),
});

const UNMOVED = Object.freeze({ azimuth: null, elevation: null, strength: null, brightness: null });

/** @template T @param {Record<string, T>} map @param {string} name */
function without(map, name) {
  const { [name]: _, ...rest } = map;
  return rest;
}

/** @param {LoomDocument["light"]} light */
const isUnmoved = (light) => light === null || Object.values(light).every((part) => part === null);

/** How many things were changed on the face, the light being one. @param {LoomDocument} document */
export const editCount = ({ attributes, light, directions }) =>
  Object.keys(attributes).length +
  (isUnmoved(light) ? 0 : 1) +
  directions.filter((each) => each.strength).length;

/** @param {string} name */
export const isLight = (name) => name.startsWith("light_");

/**
 * The face before its edits; how edits are to be made stays.
 * @param {LoomDocument} document
 * @returns {LoomDocument}
 */
export const withoutEdits = (document) => ({ ...document, attributes: {}, light: null, directions: [] });

/** @param {LoomDocument} document @returns {LoomDocument} */
export const withoutLight = (document) => ({
  ...document,
  light: null,
  attributes: Object.fromEntries(Object.entries(document.attributes).filter(([name]) => !isLight(name))),
});

/**
 * The parts of the light that are given; single coefficients that were set by hand make way.
 * @param {LoomDocument} document
 * @param {Partial<LampChange>} change null: as the face has it
 * @returns {LoomDocument}
 */
export function withLight(document, change) {
  const light = { ...UNMOVED, ...document.light, ...change };
  return { ...withoutLight(document), light: isUnmoved(light) ? null : light };
}

/**
 * The lamp of another kind of light, everything else of it as the face has it.
 * @param {LoomDocument} document
 * @param {Omit<Lamp, "brightness">} preset
 * @returns {LoomDocument}
 */
export const withPreset = (document, preset) => withLight(document, { brightness: null, ...preset });

/**
 * A locked attribute is held as the face has it, so it has no target.
 * @param {LoomDocument} document
 * @param {string} name
 * @param {boolean} locked
 * @returns {LoomDocument}
 */
export function withLock(document, name, locked) {
  const others = document.locks.filter((each) => each !== name);
  if (!locked) return { ...document, locks: others };
  return { ...document, locks: [...others, name].sort(), attributes: without(document.attributes, name) };
}

/**
 * What a person says the face has, in place of an estimate; undefined: the estimate.
 * @param {LoomDocument} document
 * @param {string} name
 * @param {number | undefined} value
 * @returns {LoomDocument}
 */
export const withCorrection = (document, name, value) => ({
  ...document,
  base_attributes:
    value === undefined
      ? without(document.base_attributes, name)
      : { ...document.base_attributes, [name]: value },
});

/**
 * The rows that an edit of an attribute changes. @param {LoomDocument} document @param {Layers} bundled
 * @param {string} name
 */
export const rowsOf = (document, bundled, name) => document.layers[name] ?? bundled[name] ?? [];

/**
 * @param {LoomDocument} document
 * @param {Layers} bundled the model's own rules
 * @param {string[]} names attributes that have the same rule
 * @param {number[]} rows
 * @returns {LoomDocument}
 */
export function withRows(document, bundled, names, rows) {
  const sorted = [...new Set(rows)].sort((a, b) => a - b);
  const layers = names.reduce(
    (before, name) =>
      String(sorted) === String(bundled[name]) ? without(before, name) : { ...before, [name]: sorted },
    document.layers,
  );
  return { ...document, layers };
}

/**
 * The rules that a document brings to a model: those kept for it, where they are not the model's own.
 * @param {LayerRules} rules
 * @returns {Layers}
 */
export const keptLayers = ({ layers, bundled }) =>
  Object.fromEntries(Object.entries(layers).filter(([name, rows]) => String(rows) !== String(bundled[name])));

/** @param {LoomDocument} document @param {string} direction its id */
export const strengthOf = (document, direction) =>
  document.directions.find((each) => each.direction === direction)?.strength ?? 0;

/**
 * @param {LoomDocument} document
 * @param {string} direction its id
 * @param {number} strength 0: not at all
 * @returns {LoomDocument}
 */
export function withDirection(document, direction, strength) {
  const use = document.directions.find((each) => each.direction === direction);
  const others = document.directions.filter((each) => each !== use);
  const changed = { direction, layers: null, ...use, strength };
  if (strength === 0) return { ...document, directions: others };
  return {
    ...document,
    directions: use
      ? document.directions.map((each) => (each === use ? changed : each))
      : [...others, changed],
  };
}

/**
 * What of a document's edits another model can do, too.
 * @param {LoomDocument} document
 * @param {ModelInfo} model
 * @param {boolean} keepAttributes
 * @returns {Pick<LoomDocument, keyof typeof NO_EDITS>}
 */
export function editsFor(document, model, keepAttributes) {
  const known = new Set(model.attributes.map(({ name }) => name));
  const kept = Object.entries(document.attributes).filter(([name]) => keepAttributes && known.has(name));
  return {
    ...NO_EDITS,
    attributes: Object.fromEntries(kept),
    light: keepAttributes && model.editable ? document.light : null,
    locks: model.measurable ? document.locks.filter((name) => known.has(name)) : [],
    calibrated: model.measurable && document.calibrated,
  };
}

/** Rows as people write them: 0–3, 7. @param {number[]} rows */
export function spans(rows) {
  const sorted = [...rows].sort((a, b) => a - b);
  const starts = sorted.filter((row) => !sorted.includes(row - 1));
  const ends = sorted.filter((row) => !sorted.includes(row + 1));
  return starts.map((start, i) => (start === ends[i] ? `${start}` : `${start}–${ends[i]}`)).join(", ");
}
