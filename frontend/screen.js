// The canvas: keeps one picture per layer and draws the chosen one at the screen's own resolution.

import { FIT, isCrisp, percentOf, placeOf } from "./viewport.js";

/** @import { Sizes, Viewport } from "./viewport.js" */
/** @typedef {"document" | "projection" | "before" | "photo" | "trial"} Layer */
/** @typedef {Layer | "chosen"} Shown */

const LARGEST_SIDE = 2048;
const LARGEST_DOUBLED = 512;

export class Screen {
  /** @type {Map<Layer, ImageBitmap>} */ #pictures = new Map();
  /** @type {Map<HTMLCanvasElement, { layer: Shown, zooms: boolean }>} */ #canvases = new Map();
  /** @type {Set<() => void>} */ #watchers = new Set();
  /** @type {Layer} */ #chosen = "document";
  #viewport = FIT;
  #wipe = 0;
  #pixels = 1;
  #due = false;
  #observer = new ResizeObserver(() => this.#draw());

  /**
   * Draws on this canvas from now on, until the returned function is called.
   * @param {HTMLCanvasElement} canvas
   * @param {Shown} layer
   * @param {{ zooms?: boolean }} [how] zooms: it shows what the viewport says, not the whole picture
   */
  attach(canvas, layer, { zooms = false } = {}) {
    this.#canvases.set(canvas, { layer, zooms });
    this.#observer.observe(canvas);
    return () => {
      this.#canvases.delete(canvas);
      this.#observer.unobserve(canvas);
    };
  }

  /** Takes the picture over. @param {Layer} layer @param {ImageBitmap} picture */
  put(layer, picture) {
    this.#pictures.get(layer)?.close();
    this.#pictures.set(layer, picture);
    this.#draw();
  }

  /** @param {Layer} layer */
  remove(layer) {
    this.#pictures.get(layer)?.close();
    this.#pictures.delete(layer);
    this.#draw();
  }

  /** A layer without a picture shows the document's. @param {Layer} layer */
  choose(layer) {
    if (layer === this.#chosen) return;
    this.#chosen = layer;
    this.#draw();
  }

  get viewport() {
    return this.#viewport;
  }

  /** Side of the model's full picture: previews are smaller, and shown as large. @param {number} pixels */
  set pixels(pixels) {
    if (pixels === this.#pixels) return;
    this.#pixels = pixels;
    this.#drawSoon();
  }

  /** Of the canvas that zooms; its frame is 1 where there is none yet. @returns {Sizes} */
  get sizes() {
    const canvas = [...this.#canvases].find(([, { zooms }]) => zooms)?.[0];
    return { frame: canvas ? sideOf(canvas) || 1 : 1, picture: this.#pixels };
  }

  /** Shows another part; the page is not drawn anew for it. @param {Viewport} viewport */
  look(viewport) {
    this.#viewport = viewport;
    this.#drawSoon();
  }

  /** How much of the frame's left shows the picture before, 0..1. @param {number} share */
  set wipe(share) {
    if (share === this.#wipe) return;
    this.#wipe = share;
    this.#drawSoon();
  }

  /** Told after the viewport changed and was drawn. @param {() => void} watcher */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #drawSoon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
      for (const watcher of this.#watchers) watcher();
    });
  }

  #draw() {
    for (const [canvas, { layer, zooms }] of this.#canvases) {
      const picture = layer === "chosen" ? this.#chosenPicture() : this.#pictures.get(layer);
      const viewport = zooms ? this.#viewport : FIT;
      if (picture) paint(canvas, picture, viewport, this.#pixels);
      const before = this.#pictures.get("before");
      if (layer === "chosen" && this.#chosen === "document" && this.#wipe > 0 && before)
        paint(canvas, before, viewport, this.#pixels, this.#wipe);
    }
  }

  #chosenPicture() {
    return this.#pictures.get(this.#chosen) ?? this.#pictures.get("document");
  }
}

/**
 * Where pixels are made. In memory, not on the graphics card: only so is the same picture drawn to the same
 * pixels each time, whoever reads them in between.
 */
const CONTEXT = Object.freeze({ alpha: false, willReadFrequently: true });

/** @param {HTMLCanvasElement} canvas */
const sideOf = (canvas) => Math.min(LARGEST_SIDE, Math.round(canvas.clientWidth * devicePixelRatio));

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {Viewport} viewport
 * @param {number} pixels side of the model's full picture
 * @param {number} [share] of the canvas, from its left, that is painted
 */
function paint(canvas, picture, viewport, pixels, share = 1) {
  const side = sideOf(canvas);
  if (!side) return;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const sizes = { frame: side, picture: pixels };
  canvas.dataset.zoom = viewport.fits ? "fit" : percentOf(viewport, sizes).toFixed(0);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", CONTEXT));
  context.save();
  if (share < 1) {
    context.beginPath();
    context.rect(0, 0, Math.round(share * side), side);
    context.clip();
  }
  if (viewport.scale < 1) {
    context.fillStyle = getComputedStyle(canvas).backgroundColor;
    context.fillRect(0, 0, side, side);
  }
  const { left, top, side: scale } = placeOf(viewport);
  const crisp = isCrisp(viewport, sizes);
  const drawn = scale * side;
  context.imageSmoothingEnabled = !crisp;
  context.imageSmoothingQuality = picture.width < drawn ? "low" : "high";
  const from = crisp ? picture : enlarged(picture, drawn);
  context.drawImage(from, left * side, top * side, drawn, drawn);
  context.restore();
}

/**
 * Doubled by bicubic steps until at most one doubling is left, which is then linear: a small model's
 *   picture is
 * shown many times enlarged, where a single step leaves stairs on its edges and costs more.
 * @param {ImageBitmap} picture
 * @param {number} side
 */
function enlarged(picture, side) {
  /** @type {ImageBitmap | OffscreenCanvas} */
  let from = picture;
  while (2 * from.width <= Math.min(side, LARGEST_DOUBLED)) {
    const canvas = new OffscreenCanvas(2 * from.width, 2 * from.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", CONTEXT));
    context.imageSmoothingQuality = "high";
    context.drawImage(from, 0, 0, canvas.width, canvas.height);
    from = canvas;
  }
  return from;
}
