// Which layers come from which other face, and what of that the page's state keeps. A layer that is taken in
// full belongs to one source; less than that blends.

import { seedBase } from "./document.js";
import { bandsOf } from "./layer_names.js";
import { mixOf, rowsOf } from "./mix_rows.js";

/** @import { Base, LoomDocument, MixSource, ModelInfo } from "./messages.js" */
/** @import { Band } from "./layer_names.js" */
/** @import { Row } from "./mix_rows.js" */
/** @import { State } from "./state.js" */

export const MOST_SOURCES = 16;
/** Less than this is nothing: a strength slider at its end must not lose which layers it is for. */
export const LEAST_STRENGTH = 0.01;
const FIRST_SEED = 7;

/**
 * @typedef {object} Mixing
 * @property {MixSource[] | null} shelf what was mixed in before mixing was turned off
 * @property {boolean} trying the canvas shows what a mix would give
 */

/** @type {Mixing} */
export const UNMIXED = Object.freeze({ shelf: null, trying: false });

/**
 * After a change of the document: what is turned off stays at hand, as far as another model can have it.
 * @param {LoomDocument | null} before
 * @param {LoomDocument} document
 * @param {Mixing} mixing
 * @returns {Mixing}
 */
export function withShelf(before, document, mixing) {
  const turnedOff = before !== null && before.mix.length > 0 && document.mix.length === 0;
  const shelf = turnedOff ? before.mix : mixing.shelf;
  const moved = before !== null && before.model !== document.model;
  const kept = moved ? (shelf?.filter(({ source }) => source.kind === "seed") ?? null) : shelf;
  return kept === mixing.shelf ? mixing : { ...mixing, shelf: kept };
}

/**
 * What the panel shows: the document's mix, or what was or could be in it.
 * @param {LoomDocument} document
 * @param {Mixing} mixing
 * @param {ModelInfo} model
 * @returns {Row[]}
 */
export function shownRows(document, mixing, model) {
  if (document.mix.length) return rowsOf(document.mix, model.num_ws);
  if (mixing.shelf) return rowsOf(mixing.shelf, model.num_ws);
  return withSource([], seedBase(FIRST_SEED, model.default_psi), model);
}

/**
 * The first face takes over all but the coarse layers, further ones nothing yet.
 * @param {Row[]} rows
 * @param {Base} source
 * @param {ModelInfo} model
 * @returns {Row[]}
 */
export function withSource(rows, source, model) {
  const none = Array(model.num_ws).fill(0);
  const row = { source, strengths: none };
  if (rows.length >= MOST_SOURCES) return rows;
  return rows.length ? [...rows, row] : withCrossover([row], 0, Math.min(model.mix_borders[0], model.num_ws));
}

/**
 * The document as it is by now, with one more face: storing a face takes a while, and edits go on meanwhile.
 * @param {Pick<State, "document" | "mixing">} state
 * @param {Base} source
 * @param {ModelInfo} model that the face belongs to
 * @returns {LoomDocument | null} null: the document has gone to another model
 */
export function withFaceAdded({ document, mixing }, source, model) {
  if (document?.model !== model.name) return null;
  return { ...document, mix: mixOf(withSource(shownRows(document, mixing, model), source, model)) };
}

/** @param {Row[]} rows @param {number} index @param {Base} source */
export const withOtherSource = (rows, index, source) =>
  rows.map((row, i) => (i === index ? { ...row, source } : row));

/** @param {Row[]} rows @param {number} index */
export const withoutSource = (rows, index) => rows.filter((_, i) => i !== index);

/**
 * Gives layers to a source. In full, they are taken from the others.
 * @param {Row[]} rows
 * @param {number} index of the source
 * @param {number[]} layers
 * @param {number} strength 0 gives them back
 * @returns {Row[]}
 */
export const withLayers = (rows, index, layers, strength) =>
  rows.map((row, i) => {
    if (i !== index && strength < 1) return row;
    const value = i === index ? strength : 0;
    return { ...row, strengths: row.strengths.map((old, layer) => (layers.includes(layer) ? value : old)) };
  });

/** The strength of a source where it has one, else full. @param {Row} row */
export function strengthOf({ strengths }) {
  const taken = strengths.filter((strength) => strength > 0);
  return taken.length ? taken.reduce((sum, each) => sum + each, 0) / taken.length : 1;
}

/** The first layer taken from a source; the number of layers where none is. @param {Row} row */
export function crossoverOf({ strengths }) {
  const first = strengths.findIndex((strength) => strength > 0);
  return first < 0 ? strengths.length : first;
}

/**
 * A source from one layer on, and not below it.
 * @param {Row[]} rows
 * @param {number} index of the source
 * @param {number} crossover
 */
export function withCrossover(rows, index, crossover) {
  const layers = rows[index].strengths.map((_, layer) => layer);
  const given = withLayers(rows, index, layers.slice(0, crossover), 0);
  return withLayers(given, index, layers.slice(crossover), strengthOf(rows[index]));
}

/** @param {Band} band */
export const layersOf = ({ first, end }) => Array.from({ length: end - first }, (_, i) => first + i);

/** How much of a band a source has, 0..1. @param {Row} row @param {Band} band */
export const shareOf = ({ strengths }, { first, end }) =>
  strengths.slice(first, end).reduce((sum, each) => sum + each, 0) / (end - first);

/** Takes a band in full; gives back one that is. @param {Row[]} rows @param {number} index @param {Band} band */
export const withBand = (rows, index, band) =>
  withLayers(rows, index, layersOf(band), shareOf(rows[index], band) === 1 ? 0 : 1);

/**
 * One strength for all layers that a source has, or for a single one.
 * @param {Row[]} rows
 * @param {number} index
 * @param {number} strength
 * @param {number | null} layer null: all
 */
export const withStrength = (rows, index, strength, layer) =>
  withLayers(rows, index, layer === null ? takenLayers(rows[index]) : [layer], strength);

/** @param {Row} row */
export const takenLayers = ({ strengths }) =>
  strengths.flatMap((strength, layer) => (strength > 0 ? [layer] : []));

/**
 * What a face by itself would give: in the layers that it has, else in those of the chosen source, else in all
 * but the coarse ones.
 * @param {Base} source
 * @param {(Row | undefined)[]} like whose layers count, the first one that has any
 * @param {ModelInfo} model
 * @returns {MixSource[]}
 */
export function alone(source, like, model) {
  const has = like.find((row) => row && takenLayers(row).length > 0);
  const [, ...above] = bandsOf(model);
  return [{ source, layers: has ? takenLayers(has) : above.flatMap(layersOf), strength: 1 }];
}
