// The faces of a walk in their order: moved by hand or by keys, with the seconds after each.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { clamp } from "../document.js";
import { t } from "../language.js";
import { isUsable } from "../selectors.js";
import { SECONDS, placeUnder } from "../timeline.js";
import { IconButton } from "../views/controls.js";
import { faceTitle } from "../views/seed.js";
import { Thumbnail } from "../views/thumbnail.js";

/** @import { AnyModel, LoomDocument } from "../messages.js" */
/** @import { KeyFace, Timeline, TimelineAction } from "../timeline.js" */

/**
 * @typedef {{ timeline: Timeline, models: AnyModel[], change: (action: TimelineAction) => void,
 *   onTake: (document: LoomDocument) => void }} FacesProps
 */

/** @param {FacesProps} props */
export function WalkFaces({ timeline, models, change, onTake }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const follow = useRef(/** @type {number | null} */ (null)); // the face whose card is focused after a step
  const { hand, onGrab } = useHand(list, (id, to) => change({ type: "move", id, to }));
  useEffect(() => {
    if (follow.current === null) return;
    /** @type {HTMLElement | null} */ (
      list.current?.querySelector(`[data-face="${follow.current}"]`)
    )?.focus();
    follow.current = null;
  });
  const { keys, closed } = timeline;
  if (keys.length === 0) return null;
  return h(
    "ol",
    { class: "walk-faces", ref: list, "aria-label": t("walk.faces"), "data-testid": "walk-faces" },
    keys.map((key, index) =>
      h(Face, {
        key: key.id,
        face: key,
        index,
        count: keys.length,
        models,
        timed: closed || index < keys.length - 1,
        mark:
          hand &&
          (hand.id === key.id ? "held" : hand.to === index - (index > hand.from ? 1 : 0) ? "before" : ""),
        onGrab: (event) => onGrab(event, key.id, index),
        onMove: (to) => {
          follow.current = key.id;
          change({ type: "move", id: key.id, to });
        },
        onFocus: (to) => {
          const cards = list.current?.querySelectorAll("[data-face]") ?? [];
          /** @type {HTMLElement | undefined} */ (cards[to])?.focus();
        },
        onRemove: () => {
          follow.current = (keys[index + 1] ?? keys[index - 1])?.id ?? null;
          change({ type: "remove", id: key.id });
        },
        onSeconds: (value) => change({ type: "seconds", id: key.id, seconds: value }),
        onTake: () => onTake(key.document),
      }),
    ),
  );
}

/**
 * A card that a pointer holds: which one, where it was, and where it would go.
 * @param {{ current: HTMLElement | null }} list
 * @param {(id: number, to: number) => void} onDrop
 */
function useHand(list, onDrop) {
  const [hand, setHand] = useState(/** @type {{ id: number, from: number, to: number } | null} */ (null));
  /** @param {PointerEvent} event @param {number} id @param {number} from */
  const onGrab = (event, id, from) => {
    if (event.button !== 0) return;
    let to = from;
    const start = { x: event.clientX, y: event.clientY };
    let moved = false;
    const onMove = (/** @type {PointerEvent} */ { clientX: x, clientY: y }) => {
      moved ||= Math.hypot(x - start.x, y - start.y) > 6;
      if (!moved) return;
      const cards = [...(list.current?.children ?? [])].map((card) => card.getBoundingClientRect());
      to = placeUnder({ x, y }, cards, from);
      setHand({ id, from, to });
    };
    const stop = (/** @type {PointerEvent} */ { type }) => {
      for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, /** @type {any} */ (stop));
      removeEventListener("pointermove", onMove);
      setHand(null);
      if (moved && type === "pointerup" && to !== from) onDrop(id, to);
    };
    addEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, /** @type {any} */ (stop));
  };
  return { hand, onGrab };
}

/**
 * @param {{ face: KeyFace, index: number, count: number, models: AnyModel[], timed: boolean,
 *   mark: "held" | "before" | "" | null, onGrab: (event: PointerEvent) => void, onMove: (to: number) => void,
 *   onFocus: (to: number) => void, onRemove: () => void, onSeconds: (seconds: number) => void,
 *   onTake: () => void }} props
 */
function Face({
  face,
  index,
  count,
  models,
  timed,
  mark,
  onGrab,
  onMove,
  onFocus,
  onRemove,
  onSeconds,
  onTake,
}) {
  const model = models.filter(isUsable).find(({ name }) => name === face.document.model);
  const title = faceTitle(face.document.base);
  const place = t("walk.place", { face: title, place: index + 1, count });
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) (event.altKey ? onMove : onFocus)(clamp(index + step, 0, count - 1));
    else if (event.key === "Delete" || event.key === "Backspace") onRemove();
    else return;
    event.preventDefault();
  };
  return h(
    "li",
    { class: `walk-face ${mark ?? ""}`, "data-testid": `walk-face-${index}`, "data-seed": title },
    h(
      "button",
      {
        type: "button",
        class: "face-choice",
        "aria-label": place,
        title: t("walk.faceHint"),
        "data-face": face.id,
        onPointerDown: onGrab,
        onKeyDown: onKey,
        onDblClick: onTake,
      },
      model
        ? h(Thumbnail, { document: face.document, model })
        : h("span", { class: "thumbnail missing" }, t("thumbnail.none")),
    ),
    h("span", { class: "walk-face-name" }, title),
    h(
      "div",
      { class: "walk-face-tools" },
      h(IconButton, {
        icon: "previous",
        label: t("walk.earlier"),
        testid: `walk-earlier-${index}`,
        quiet: true,
        disabled: index === 0,
        onClick: () => onMove(index - 1),
      }),
      h(IconButton, {
        icon: "next",
        label: t("walk.later"),
        testid: `walk-later-${index}`,
        quiet: true,
        disabled: index === count - 1,
        onClick: () => onMove(index + 1),
      }),
      h(IconButton, {
        icon: "close",
        label: t("walk.remove"),
        testid: `walk-remove-${index}`,
        quiet: true,
        onClick: onRemove,
      }),
    ),
    h(
      "label",
      { class: timed ? "field walk-seconds" : "field walk-seconds untimed" },
      h("input", {
        type: "number",
        inputMode: "decimal",
        ...{ min: SECONDS.minimum, max: SECONDS.maximum, step: SECONDS.step },
        "aria-label": t("walk.secondsAfter", { face: title }),
        "data-testid": `walk-seconds-${index}`,
        value: face.seconds,
        disabled: !timed,
        onChange: (event) => {
          const typed = event.currentTarget.valueAsNumber;
          const value = Number.isFinite(typed)
            ? clamp(typed, SECONDS.minimum, SECONDS.maximum)
            : face.seconds;
          event.currentTarget.value = String(value);
          onSeconds(value);
        },
      }),
      h("span", { "aria-hidden": "true" }, t("walk.s")),
    ),
  );
}
