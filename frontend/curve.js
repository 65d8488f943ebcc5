// The loss curve as lines to draw: the whole loss and each of its terms, on one logarithmic scale.

/** @import { CurvePoint, History } from "./messages.js" */

/** What is shown below the largest value: powers of ten. */
const DECADES = 4;
export const CURVE_WIDTH = 200;
export const CURVE_HEIGHT = 60;

/**
 * @param {CurvePoint[]} points
 * @param {number} total steps of the whole search
 * @returns {{ name: string, line: string, last: number }[]} the loss first; line: points of an SVG polyline
 */
export function curveLines(points, total) {
  if (points.length < 2) return [];
  const series = points.map(({ loss, terms }) => ({ loss, ...terms }));
  const names = [...new Set(series.flatMap((values) => Object.keys(values)))];
  const top = Math.log10(Math.max(1e-12, ...series.flatMap((values) => Object.values(values))));
  const lowest = Math.min(...series.map(({ loss }) => Math.log10(Math.max(loss, 1e-12))));
  const low = Math.max(top - DECADES, Math.min(lowest - 1, top - 1));
  const height = (/** @type {number} */ value) =>
    (CURVE_HEIGHT * (top - Math.max(low, Math.log10(Math.max(value, 1e-12))))) / (top - low);
  return names.map((name) => {
    const known = series.flatMap((values, i) => {
      const value = /** @type {Record<string, number>} */ (values)[name];
      return value === undefined ? [] : [{ step: points[i].step, value }];
    });
    return {
      name,
      line: known
        .map(({ step, value }) => `${((CURVE_WIDTH * step) / total).toFixed(1)},${height(value).toFixed(1)}`)
        .join(" "),
      last: known[known.length - 1].value,
    };
  });
}

/**
 * The server's points, and what came since.
 * @param {CurvePoint[]} own
 * @param {History["points"]} kept
 */
export const mergedCurve = (own, kept) => [
  ...kept,
  ...own.filter(({ step }) => step > (kept.at(-1)?.step ?? -1)),
];
