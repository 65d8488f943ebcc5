// What the layers of a generator are called: rows of ws, the convolutions that have noise, and their levels.

/** @import { ModelInfo } from "./messages.js" */

export const LEVELS = /** @type {const} */ (["coarse", "middle", "fine"]);
/** @typedef {(typeof LEVELS)[number]} Level */
/** @typedef {{ level: Level, first: number, end: number }} Band rows first..end - 1 */

/** The side of the feature maps that a convolution makes: 4, 8, 8, 16, 16, ... @param {number} convolution */
export const sideOf = (convolution) => 4 * 2 ** Math.ceil(convolution / 2);

/**
 * The side of what a row of ws styles first; the last row is only that of the last ToRGB.
 * @param {number} row
 * @param {ModelInfo} model
 */
export const sideOfRow = (row, model) => Math.min(sideOf(row), model.img_resolution);

/**
 * What the rows between a model's borders say: coarse ones the head, middle ones its features, the rest colour
 * and detail (StyleGAN, section 3.1). A small model may lack the last ones.
 * @param {Pick<ModelInfo, "mix_borders" | "num_ws">} model
 * @returns {Band[]}
 */
export function bandsOf({ mix_borders: [middle, fine], num_ws: count }) {
  const borders = [0, Math.min(middle, count), Math.min(fine, count), count];
  return LEVELS.map((level, i) => ({ level, first: borders[i], end: borders[i + 1] })).filter(
    ({ first, end }) => first < end,
  );
}

/** @param {number} row @param {Pick<ModelInfo, "mix_borders">} model @returns {Level} */
export const levelOf = (row, { mix_borders: [middle, fine] }) =>
  row < middle ? "coarse" : row < fine ? "middle" : "fine";

/** How many convolutions with noise a model has. @param {Pick<ModelInfo, "num_ws">} model */
export const convolutionsOf = ({ num_ws }) => num_ws - 1;
