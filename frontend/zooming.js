// Zooming and panning the picture by wheel, pinch, drag and keys.

import { FIT, atPercent, isEnlarged, panned, zoomed } from "./viewport.js";

/** @import { Screen } from "./screen.js" */

const STEP = 1.25;
const KEY_PAN = 0.1;
const MIDDLE = { x: 0.5, y: 0.5 };

export class Zooming {
  #screen;
  /** Fingers and pressed mice, where they are in the frame. @type {Map<number, { x: number, y: number }>} */
  #pointers = new Map();

  /** @param {Screen} screen */
  constructor(screen) {
    this.#screen = screen;
  }

  fit() {
    this.#screen.look(FIT);
  }

  /** @param {number} percent */
  percent(percent) {
    this.#screen.look(atPercent(this.#screen.viewport, percent, this.#screen.sizes));
  }

  /** @param {1 | -1} way */
  step(way) {
    this.#zoom(STEP ** way, MIDDLE);
  }

  /** @param {number} factor @param {{ x: number, y: number }} place */
  #zoom(factor, place) {
    this.#screen.look(zoomed(this.#screen.viewport, factor, place, this.#screen.sizes));
  }

  /**
   * Listens on the element around the picture until the returned function is called.
   * @param {HTMLElement} frame
   */
  attach(frame) {
    const [wheel, down, move, up, touch, key] = [
      (/** @type {WheelEvent} */ event) => this.#onWheel(event),
      (/** @type {PointerEvent} */ event) => this.#onDown(event),
      (/** @type {PointerEvent} */ event) => this.#onMove(event),
      (/** @type {PointerEvent} */ event) => void this.#pointers.delete(event.pointerId),
      (/** @type {TouchEvent} */ event) => this.#onTouch(event),
      (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
    ];
    const stop = new AbortController();
    const { signal } = stop;
    frame.addEventListener("wheel", wheel, { passive: false, signal });
    frame.addEventListener("pointerdown", down, { signal });
    frame.addEventListener("pointermove", move, { signal });
    frame.addEventListener("pointerup", up, { signal });
    frame.addEventListener("pointercancel", up, { signal });
    frame.addEventListener("touchmove", touch, { passive: false, signal });
    frame.addEventListener("keydown", key, { signal });
    return () => stop.abort();
  }

  /** A trackpad's pinch comes as a wheel with Ctrl. @param {WheelEvent} event */
  #onWheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.#zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), placeIn(event));
  }

  /** @param {PointerEvent} event */
  #onDown(event) {
    if (event.button !== 0 || !(event.target instanceof HTMLCanvasElement)) return;
    event.target.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, placeIn(event));
  }

  /** One pointer pans, two zoom about their middle as well. @param {PointerEvent} event */
  #onMove(event) {
    const from = this.#pointers.get(event.pointerId);
    if (!from) return;
    const to = placeIn(event);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, to);
    const share = other ? 2 : 1;
    this.#screen.look(panned(this.#screen.viewport, (to.x - from.x) / share, (to.y - from.y) / share));
    if (other) this.#zoom(apart(to, other) / Math.max(0.01, apart(from, other)), between(to, other));
  }

  /** The page scrolls with one finger, unless that moves the picture. @param {TouchEvent} event */
  #onTouch(event) {
    if (event.cancelable && (event.touches.length > 1 || isEnlarged(this.#screen.viewport)))
      event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const [dx, dy] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
      event.key
    ] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    this.#screen.look(panned(this.#screen.viewport, dx * KEY_PAN, dy * KEY_PAN));
  }
}

/** In the canvas that is pointed at. @param {MouseEvent} event */
function placeIn({ target, clientX, clientY }) {
  const canvas = /** @type {Element} */ (target).closest("canvas") ?? /** @type {Element} */ (target);
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return { x: (clientX - left) / width, y: (clientY - top) / height };
}

/** @typedef {{ x: number, y: number }} Place */
/** @param {Place} a @param {Place} b */
const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
/** @param {Place} a @param {Place} b */
const between = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
