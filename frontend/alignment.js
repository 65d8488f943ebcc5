// Where a face is cut from its photo: three anchors, and the square that they decide.

/** @import { Anchors, Point } from "./messages.js" */

export const ANCHOR_NAMES = /** @type {const} */ (["left_eye", "right_eye", "mouth"]);
/** Of the view around a square: how much of its width is shown on either side. */
const MARGIN = 0.12;

/**
 * FFHQ's square (Karras et al. 2019, appendix A) as models/projection/anchors.py computes it: top left,
 * bottom left, bottom right, top right. Null where the anchors span no face.
 * @param {Anchors} anchors
 * @returns {Point[] | null}
 */
export function squareOf({ left_eye: [lx, ly], right_eye: [rx, ry], mouth: [mx, my] }) {
  const eyes = [(lx + rx) / 2, (ly + ry) / 2];
  const across = [rx - lx, ry - ly];
  const down = [mx - eyes[0], my - eyes[1]];
  const direction = [across[0] + down[1], across[1] - down[0]];
  const length = Math.hypot(...direction);
  if (!(length > 1e-6)) return null;
  const half = Math.max(2 * Math.hypot(...across), 1.8 * Math.hypot(...down)) / length;
  const [x, y] = [direction[0] * half, direction[1] * half];
  const [cx, cy] = [eyes[0] + 0.1 * down[0], eyes[1] + 0.1 * down[1]];
  return [
    [cx - x + y, cy - y - x],
    [cx - x - y, cy - y + x],
    [cx + x - y, cy + y + x],
    [cx + x + y, cy + y - x],
  ];
}

/**
 * One anchor somewhere else, never outside the photo.
 * @param {Anchors} anchors
 * @param {typeof ANCHOR_NAMES[number]} name
 * @param {Point} to
 * @param {{ width: number, height: number }} photo
 * @returns {Anchors}
 */
export const withAnchor = (anchors, name, [x, y], { width, height }) => ({
  ...anchors,
  [name]: [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))],
});

/** To a hundredth of a pixel. @param {Anchors} a @param {Anchors} b */
export const sameAnchors = (a, b) =>
  ANCHOR_NAMES.every((name) => Math.hypot(a[name][0] - b[name][0], a[name][1] - b[name][1]) < 0.01);

/**
 * The part of the photo to show while a square is adjusted: the square and a margin, as a box in pixels.
 * @param {Point[]} square
 * @returns {{ x: number, y: number, side: number }}
 */
export function viewAround(square) {
  const [xs, ys] = [square.map(([x]) => x), square.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const side = Math.max(width, height) * (1 + 2 * MARGIN);
  return { x: left + (width - side) / 2, y: top + (height - side) / 2, side };
}

/**
 * The view to go on with: the same one while the square is well seen in it.
 * @param {ReturnType<typeof viewAround>} view
 * @param {Point[]} square
 */
export function viewKept(view, square) {
  const isIn = square.every(
    ([x, y]) => x >= view.x && y >= view.y && x <= view.x + view.side && y <= view.y + view.side,
  );
  const next = viewAround(square);
  return isIn && next.side > view.side / 2 ? view : next;
}
