// Which part of the picture is seen, and how large. Pure; lengths are fractions of frame or picture.

import { clamp } from "./document.js";

/**
 * @typedef {object} Viewport
 * @property {number} scale of the picture's side to the frame's; 1 fills the frame
 * @property {number} x of the picture's point in the middle of the frame, 0..1
 * @property {number} y
 * @property {boolean} fits it fills the frame, whatever size that takes
 */
/**
 * @typedef {object} Sizes
 * @property {number} frame side in pixels of the screen
 * @property {number} picture side in its own pixels
 */

/** @type {Viewport} */
export const FIT = Object.freeze({ scale: 1, x: 0.5, y: 0.5, fits: true });

/** Beyond this many pixels of the screen for one of the picture it is drawn as squares. */
const CRISP_FROM = 2;
const MOST_ENLARGED = 32;

/** Scale at which one pixel of the picture is one of the screen. @param {Sizes} sizes */
const actual = ({ frame, picture }) => picture / frame;

/** Pixels of the screen for 100 of the picture's. @param {Viewport} view @param {Sizes} sizes */
export const percentOf = ({ scale }, sizes) => (100 * scale) / actual(sizes);

/** Whether its pixels are shown as they are; a picture that fills the frame is always smooth.
 * @param {Viewport} view @param {Sizes} sizes */
export const isCrisp = (view, sizes) => !view.fits && view.scale / actual(sizes) >= CRISP_FROM;

/** Whether there is more of the picture than is seen. @param {Viewport} view */
export const isEnlarged = ({ scale }) => scale > 1;

/** @param {Viewport} view @returns {Viewport} */
function within({ scale, x, y, fits }) {
  const edge = Math.min(0.5, 0.5 / scale);
  return { scale, x: clamp(x, edge, 1 - edge), y: clamp(y, edge, 1 - edge), fits };
}

/**
 * So many times larger, while the point of the picture at a place in the frame stays there.
 * @param {Viewport} view
 * @param {number} factor
 * @param {{ x: number, y: number }} place
 * @param {Sizes} sizes
 */
export function zoomed(view, factor, place, sizes) {
  const least = Math.min(1, actual(sizes));
  const scale = clamp(view.scale * factor, least, Math.max(8, MOST_ENLARGED * actual(sizes)));
  const kept = (/** @type {number} */ centre, /** @type {number} */ at) =>
    centre + (at - 0.5) / view.scale - (at - 0.5) / scale;
  return within({ scale, x: kept(view.x, place.x), y: kept(view.y, place.y), fits: scale === 1 });
}

/** @param {Viewport} view @param {number} percent @param {Sizes} sizes */
export const atPercent = (view, percent, sizes) =>
  within({ ...view, scale: (percent / 100) * actual(sizes), fits: false });

/** The picture moved with a hand, in fractions of the frame. @param {Viewport} view @param {number} dx
 * @param {number} dy */
export const panned = (view, dx, dy) =>
  within({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale });

/** Left, top and side of the picture in the frame. @param {Viewport} view */
export const placeOf = ({ scale, x, y }) => ({
  left: 0.5 - x * scale,
  top: 0.5 - y * scale,
  side: scale,
});
