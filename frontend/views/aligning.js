// The crop on its photo: three anchors to move by pointer, finger or key, and the aligned face they give.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import * as api from "../api.js";
import { ANCHOR_NAMES, sameAnchors, viewAround, viewKept, withAnchor } from "../alignment.js";
import { spoken } from "../kept_text.js";
import { t } from "../language.js";
import { Newest } from "../newest.js";
import { faceOf } from "../selectors.js";

/** @import { KeptText } from "../kept_text.js" */
/** @import { Anchors, Photo, Point } from "../messages.js" */
/** @import { View } from "./app.js" */
/** @typedef {typeof ANCHOR_NAMES[number]} AnchorName */
/** @typedef {ReturnType<typeof viewAround>} Box */

const ARROWS = /** @type {Record<string, Point>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});
/** Key presses to go all the way across the view. */
const KEY_STEPS = 200;

/** @param {View & { photo: Photo }} props */
export function Aligner({ photo, projecting }) {
  const face = faceOf(photo);
  const { anchors, corners } = photo.alignment;
  const view = useView(photo, face);
  const reset = () => {
    if (face !== null) projecting.reset(photo, face);
    view.renew();
  };
  return h(
    "div",
    { class: "aligner" },
    h(
      "div",
      { class: "crop-view", "data-testid": "aligner" },
      h(Crop, { photo, corners, box: view.box }),
      ANCHOR_NAMES.map((name) =>
        h(Anchor, {
          key: name,
          name,
          at: anchors[name],
          box: view.box,
          onMove: (to) => projecting.move(photo, withAnchor(anchors, name, to, photo)),
          onPlace: () => {
            view.keep();
            projecting.place(photo, anchors);
          },
        }),
      ),
    ),
    h(
      "div",
      { class: "crop-row" },
      h(Preview, { photo: photo.id, anchors }),
      h(
        "div",
        null,
        h(
          "p",
          { class: "note" },
          face === null && !photo.by_hand
            ? t("align.noFace")
            : t("align.about"),
        ),
        face !== null &&
          h(
            "button",
            {
              type: "button",
              class: "link",
              "data-testid": "reset-anchors",
              disabled: sameAnchors(anchors, photo.faces[face].alignment.anchors),
              onClick: reset,
            },
            t("align.asDetected"),
          ),
      ),
    ),
  );
}

/**
 * What part of the photo is seen: that about the face, and the same one while its points move.
 * @param {Photo} photo
 * @param {number | null} face
 */
function useView({ id, alignment }, face) {
  const key = `${id} ${face}`;
  const seen = useRef(/** @type {{ key: string, box: Box } | null} */ (null));
  if (seen.current?.key !== key) seen.current = { key, box: viewAround(alignment.corners) };
  return {
    box: seen.current.box,
    keep: () =>
      (seen.current = {
        key,
        box: viewKept(/** @type {{ box: Box }} */ (seen.current).box, alignment.corners),
      }),
    renew: () => (seen.current = null),
  };
}

/** @param {{ photo: Photo, corners: Point[], box: Box }} props */
function Crop({ photo: { name, image_url, width, height }, corners, box: { x, y, side } }) {
  const square = corners.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`).join("L");
  return h(
    "svg",
    { viewBox: `${x} ${y} ${side} ${side}`, role: "img", "aria-label": t("align.crop", { name }) },
    // a whole number is the middle of a pixel
    h("image", { href: image_url, x: -0.5, y: -0.5, width, height, preserveAspectRatio: "none" }),
    h("path", {
      class: "crop-shade",
      d: `M${x} ${y}h${side}v${side}h${-side}zM${square}z`,
      "fill-rule": "evenodd",
    }),
    h("path", { class: "crop-edge", d: `M${square}z` }),
  );
}

/**
 * @param {{ name: AnchorName, at: Point, box: Box, onMove: (to: Point) => void, onPlace: () => void }} props
 */
function Anchor({ name, at, box, onMove, onPlace }) {
  const grip = useRef(/** @type {Point | null} */ (null));
  const place = useRef(onPlace);
  place.current = onPlace;
  /** @param {{ clientX: number, clientY: number, currentTarget: HTMLElement }} event @returns {Point} */
  const pointed = ({ clientX, clientY, currentTarget }) => {
    const frame = /** @type {HTMLElement} */ (currentTarget.parentElement).getBoundingClientRect();
    const scale = box.side / frame.width;
    return [box.x + (clientX - frame.left) * scale, box.y + (clientY - frame.top) * scale];
  };
  const letGo = () => {
    if (!grip.current) return;
    grip.current = null;
    place.current();
  };
  const percent = (/** @type {number} */ value) => `${(100 * value) / box.side}%`;
  return h(
    "button",
    {
      type: "button",
      class: "anchor",
      "data-testid": `anchor-${name}`,
      "aria-label": t("anchor.at", { part: t(`anchor.${name}`), x: Math.round(at[0]), y: Math.round(at[1]) }),
      title: t(`anchor.${name}`),
      style: { left: percent(at[0] - box.x), top: percent(at[1] - box.y) },
      onPointerDown: (event) => {
        const [x, y] = pointed(event);
        grip.current = [at[0] - x, at[1] - y];
        event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove: (event) => {
        if (!grip.current) return;
        const [x, y] = pointed(event);
        onMove([x + grip.current[0], y + grip.current[1]]);
      },
      onPointerUp: letGo,
      onPointerCancel: letGo,
      onKeyDown: (event) => {
        const arrow = ARROWS[event.key];
        if (!arrow) return;
        event.preventDefault();
        const step = Math.max(1, box.side / KEY_STEPS) * (event.shiftKey ? 10 : 1);
        onMove([at[0] + step * arrow[0], at[1] + step * arrow[1]]);
      },
      onKeyUp: (event) => event.key in ARROWS && place.current(),
    },
    h("span", { class: "anchor-dot" }),
  );
}

/** The aligned face: the newest one that is there. @param {{ photo: string, anchors: Anchors }} props */
function Preview({ photo, anchors }) {
  const [shown, setShown] = useState(/** @type {{ url: string, problem: KeptText }} */ ({ url: "", problem: "" }));
  const newest = useRef(/** @type {Newest<{ photo: string, anchors: Anchors }> | null} */ (null));
  const wanted = useRef(true);
  newest.current ??= new Newest(async (task) => {
    const crop = await cropOf(task);
    if (wanted.current) setShown(crop);
    else URL.revokeObjectURL(crop.url);
  });
  useEffect(() => () => void (wanted.current = false), []);
  useEffect(() => void newest.current?.ask({ photo, anchors }), [photo, JSON.stringify(anchors)]);
  useEffect(() => () => URL.revokeObjectURL(shown.url), [shown.url]);
  if (shown.problem) return h("p", { class: "crop-problem", role: "status" }, spoken(shown.problem));
  if (!shown.url) return h("span", { class: "crop-preview" });
  return h("img", {
    class: "crop-preview",
    src: shown.url,
    alt: t("align.preview"),
    "data-testid": "crop",
    draggable: false,
  });
}

/** @param {{ photo: string, anchors: Anchors }} task */
async function cropOf({ photo, anchors }) {
  try {
    return { url: URL.createObjectURL(await api.crop(photo, anchors)), problem: "" };
  } catch (error) {
    return { url: "", problem: error instanceof api.ProblemError ? error.detail || error.title : String(error) };
  }
}
