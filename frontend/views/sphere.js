// A sphere under a lamp, which is dragged around it.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { snap } from "../document.js";
import { anglesAt, directionOf, inWords, shade } from "../lamp.js";
import { t } from "../language.js";

/** @import { Lamp } from "../editing_messages.js" */
/** @import { Angles } from "../lamp.js" */

/** Degrees of an arrow key. */
const KEY_STEP = 5;
/** Pixels along the drawn sphere: shading is smooth, so few are enough. */
const DRAWN = 64;
/** Between linear light and the eye: differences show better than on a real sphere. */
const GAMMA = 0.6;

/**
 * The lamp on a sphere, which shows how its light falls. Two ranges, one for each angle, speak to screen
 * readers; on either, all four arrow keys do what they say.
 * @param {{ lamp: Lamp, onMove: (angles: Angles, held: boolean) => void, onRelease: () => void,
 *   onReset: () => void }} props
 */
export function Sphere({ lamp, onMove, onRelease, onReset }) {
  const held = useRef(false);
  const { azimuth, elevation } = lamp;
  const [x, y, z] = directionOf(lamp);
  const pull = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const radius = box.width / 2;
    onMove(anglesAt((event.clientX - box.left) / radius - 1, 1 - (event.clientY - box.top) / radius), true);
  };
  const letGo = () => {
    if (held.current) onRelease();
    held.current = false;
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const [aside, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
      event.key
    ] ?? [0, 0];
    if (!aside && !up) return;
    event.preventDefault();
    onMove(turned(lamp, aside * KEY_STEP, up * KEY_STEP), false);
  };
  const range = { type: "range", class: "visually-hidden", step: KEY_STEP, onKeyDown };
  return h(
    "div",
    {
      class: z < 0 ? "sphere behind" : "sphere",
      "data-testid": "lamp",
      title: t("lamp.drag"),
      onPointerDown: (event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = true;
        pull(event);
      },
      onPointerMove: (event) => held.current && pull(event),
      onPointerUp: letGo,
      onPointerCancel: letGo,
      onDblClick: onReset,
    },
    h(Shading, { lamp }),
    h("span", { class: "lamp-point", style: { left: `${50 + 50 * x}%`, top: `${50 - 50 * y}%` } }),
    h("input", {
      ...range,
      "aria-label": t("lamp.azimuth"),
      "aria-valuetext": inWords(lamp),
      "data-testid": "lamp-azimuth",
      min: -180,
      max: 180,
      value: azimuth,
      onInput: (event) => onMove({ azimuth: event.currentTarget.valueAsNumber, elevation }, false),
    }),
    h("input", {
      ...range,
      "aria-label": t("lamp.elevation"),
      "aria-valuetext": inWords(lamp),
      "data-testid": "lamp-elevation",
      min: -90,
      max: 90,
      value: elevation,
      onInput: (event) => onMove({ azimuth, elevation: event.currentTarget.valueAsNumber }, false),
    }),
  );
}

/** @param {Angles} lamp @param {number} aside @param {number} up @returns {Angles} */
const turned = ({ azimuth, elevation }, aside, up) => ({
  azimuth: snap(((azimuth + aside + 540) % 360) - 180, { minimum: -180, maximum: 180, step: 0.5 }),
  elevation: snap(elevation + up, { minimum: -90, maximum: 90, step: 0.5 }),
});

/** @param {{ lamp: Lamp }} props */
function Shading({ lamp }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { azimuth, elevation, strength, brightness } = lamp;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const picture = context.createImageData(DRAWN, DRAWN);
    for (let i = 0; i < DRAWN * DRAWN; i++) {
      const x = ((i % DRAWN) + 0.5) / (DRAWN / 2) - 1;
      const y = 1 - (Math.floor(i / DRAWN) + 0.5) / (DRAWN / 2);
      const bright = shade(lamp, [x, y, Math.sqrt(Math.max(0, 1 - x * x - y * y))]);
      const level = 255 * Math.min(1, 0.55 * bright) ** GAMMA;
      picture.data.set([level, 0.94 * level, 0.88 * level, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  }, [azimuth, elevation, strength, brightness]);
  return h("canvas", { ref: canvas, width: DRAWN, height: DRAWN, "aria-hidden": "true" });
}
