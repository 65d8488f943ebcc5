// The canvas: keeps one picture per layer and draws the chosen one at the screen's own resolution.

/** @typedef {"document" | "projection" | "before" | "photo"} Layer */

const LARGEST_SIDE = 2048;
const LARGEST_DOUBLED = 512;

export class Screen {
  /** @type {Map<Layer, ImageBitmap>} */ #pictures = new Map();
  /** @type {Map<HTMLCanvasElement, Layer | "chosen">} */ #canvases = new Map();
  /** @type {Layer} */ #chosen = "document";
  #observer = new ResizeObserver(() => this.#draw());

  /**
   * Draws on this canvas from now on, until the returned function is called.
   * @param {HTMLCanvasElement} canvas
   * @param {Layer | "chosen"} layer
   */
  attach(canvas, layer) {
    this.#canvases.set(canvas, layer);
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

  #draw() {
    for (const [canvas, layer] of this.#canvases) {
      const picture =
        layer === "chosen"
          ? (this.#pictures.get(this.#chosen) ?? this.#pictures.get("document"))
          : this.#pictures.get(layer);
      if (picture) paint(canvas, picture);
    }
  }
}

/**
 * Where pixels are made. In memory, not on the graphics card: only so is the same picture drawn to the same
 * pixels each time, whoever reads them in between.
 */
const CONTEXT = Object.freeze({ alpha: false, willReadFrequently: true });

/** @param {HTMLCanvasElement} canvas @param {ImageBitmap} picture */
function paint(canvas, picture) {
  const side = Math.min(LARGEST_SIDE, Math.round(canvas.clientWidth * devicePixelRatio));
  if (!side) return;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", CONTEXT));
  context.imageSmoothingQuality = picture.width < side ? "low" : "high";
  context.drawImage(enlarged(picture, side), 0, 0, side, side);
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
