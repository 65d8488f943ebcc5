// Where a lamp is: its direction in degrees, as a point on a drawn sphere, and in words.

import { t } from "./language.js";

/** @import { Lamp, LampChange } from "./editing_messages.js" */

/** Towards the lamp, of length 1: x to image right, y up, z to the camera.
 * @typedef {[number, number, number]} Vector */
/** @typedef {Pick<Lamp, "azimuth" | "elevation">} Angles */

/**
 * Which ways light is often put; each has a text "lamp.name".
 * @type {{ name: "front" | "left" | "right" | "above" | "below" | "soft", change: Omit<Lamp, "brightness"> }[]}
 */
export const PRESETS = [
  { name: "front", change: { azimuth: 0, elevation: 20, strength: 0.6 } },
  { name: "left", change: { azimuth: -70, elevation: 20, strength: 0.75 } },
  { name: "right", change: { azimuth: 70, elevation: 20, strength: 0.75 } },
  { name: "above", change: { azimuth: 0, elevation: 60, strength: 0.7 } },
  { name: "below", change: { azimuth: 0, elevation: -35, strength: 0.6 } },
  { name: "soft", change: { azimuth: 0, elevation: 30, strength: 0.35 } },
];

const RADIAN = 180 / Math.PI;

/** @param {Angles} angles @returns {Vector} */
export function directionOf({ azimuth, elevation }) {
  const [a, e] = [azimuth / RADIAN, elevation / RADIAN];
  return [Math.sin(a) * Math.cos(e), Math.sin(e), Math.cos(a) * Math.cos(e)];
}

/**
 * The lamp under a point of a drawn sphere's near side, to half a degree; points outside the circle lie on
 * its rim.
 * @param {number} x to the right, in radii
 * @param {number} y up
 * @returns {Angles}
 */
export function anglesAt(x, y) {
  const radius = Math.max(1, Math.hypot(x, y));
  const [right, up] = [x / radius, y / radius];
  const near = Math.sqrt(Math.max(0, 1 - right * right - up * up));
  const half = (/** @type {number} */ degrees) => Math.round(2 * degrees) / 2;
  return { azimuth: half(Math.atan2(right, near) * RADIAN), elevation: half(Math.asin(up) * RADIAN) };
}

/**
 * Where the lamp stands: the face's own, with the parts that were changed.
 * @param {Lamp | null} own
 * @param {LampChange | null} change
 * @returns {Lamp | null}
 */
export const lampOf = (own, change) =>
  own && {
    azimuth: change?.azimuth ?? own.azimuth,
    elevation: change?.elevation ?? own.elevation,
    strength: change?.strength ?? own.strength,
    brightness: change?.brightness ?? own.brightness,
  };

/** How bright a white surface is that faces a direction. @param {Lamp} lamp @param {Vector} facing */
export function shade(lamp, facing) {
  const [x, y, z] = directionOf(lamp);
  const towards = Math.max(0, x * facing[0] + y * facing[1] + z * facing[2]);
  return lamp.brightness * (2 * lamp.strength * towards + 1 - lamp.strength);
}

/** @param {Angles} lamp */
export function inWords({ azimuth, elevation }) {
  const [aside, up] = [Math.round(Math.abs(azimuth)), Math.round(Math.abs(elevation))];
  const side = () => t(azimuth < 0 ? "lamp.fromLeft" : "lamp.fromRight", { angle: aside });
  const where = aside === 0 ? t("lamp.fromFront") : aside === 180 ? t("lamp.fromBehind") : side();
  return up ? t(elevation > 0 ? "lamp.higher" : "lamp.lower", { where, angle: up }) : where;
}
