// The plane of a map of latents: its pictures, the marks on it, and the hand that moves the face.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { plainDocument, sameDocument } from "../document.js";
import { placesOn } from "../explore_api.js";
import { faceName, wentOn } from "../exploring.js";
import { t } from "../language.js";
import {
  CELLS,
  REACH,
  averageFace,
  cellPlaces,
  documentAt,
  fromTheMiddle,
  isOnMap,
  partOf,
  placeAfter,
  placeOf,
  placeUnder,
  unmoved,
} from "../latent_map.js";
import { faceTitle } from "./seed.js";
import { levelOf, useTiles } from "./tiles.js";

/** @import { LatentMap as Axes, Place } from "../explore_messages.js" */
/** @import { Ground } from "../latent_map.js" */
/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const SIDE = 64;
/** A slider that moves would have all pictures made again at each step. */
const SETTLED_AFTER_MS = 400;
const MOST_MARKED = 32;
/** Where the average face lies. @type {Place} */
const MIDDLE = [0, 0];

/** @typedef {{ key: string, title: string, document: LoomDocument, kind: "kept" | "seen" }} Marked */

/** @param {{ view: View, model: ModelInfo, document: LoomDocument, axes: Axes, ground: Ground }} props */
export function Plane({ view, model, document, axes, ground }) {
  const { store, editor, state } = view;
  const held = useRef(false);
  const bare = unmoved(document, axes);
  const isAverage = sameDocument(bare, averageFace(model.name));
  const [found] = usePlaces(model, axes, isAverage ? [] : [bare]);
  const home = isAverage ? MIDDLE : found;
  const here = home && placeOf(home, document, axes);
  const from = ground === "face" ? bare : averageFace(model.name);
  const fromPlace = ground === "face" ? home : MIDDLE;
  /** @param {Place} to @param {boolean} isHeld */
  const go = (to, isHeld) => {
    if (!fromPlace) return;
    editor.change(documentAt(from, fromPlace, axes, to), { gesture: "map", held: isHeld });
  };
  const letGo = () => {
    if (held.current) editor.release();
    held.current = false;
  };
  /** @param {PointerEvent} event */
  const pull = (event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    go(placeUnder({ x: event.clientX, y: event.clientY }, box), true);
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const to = here && placeAfter(event.key, here, event.shiftKey);
    if (!to) return;
    event.preventDefault();
    go(to, false);
  };
  const axisRange = (/** @type {"across" | "up"} */ which, /** @type {number} */ axis) =>
    h("input", {
      type: "range",
      class: "visually-hidden",
      min: -REACH,
      max: REACH,
      step: 0.1,
      value: here?.[axis] ?? 0,
      disabled: !here,
      "aria-label": t(`map.${which}`),
      "data-testid": `map-place-${which}`,
      onKeyDown,
      onInput: (event) => {
        const to = /** @type {Place} */ ([...(here ?? [0, 0])]);
        to[axis] = event.currentTarget.valueAsNumber;
        go(to, false);
      },
      onBlur: () => editor.release(),
    });
  return h(
    "div",
    {
      class: "map",
      "data-testid": "map",
      "data-ready": home ? "yes" : "no",
      "data-place": here ? here.map((value) => value.toFixed(2)).join(" ") : "",
      title: t("map.hint"),
      onPointerDown: (event) => {
        if (event.button !== 0 || !fromPlace) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = true;
        if (!isAverage) {
          const { trail } = state.exploring;
          store.dispatch({ type: "exploring", change: { trail: wentOn(trail, bare.base, bare.base) } });
        }
        pull(event);
      },
      onPointerMove: (event) => held.current && pull(event),
      onPointerUp: letGo,
      onPointerCancel: letGo,
    },
    h(Pictures, { model, axes, from, fromPlace }),
    h(Markers, { view, model, axes }),
    here &&
      h("span", {
        class: isOnMap(here) ? "map-here" : "map-here beyond",
        style: { left: `${100 * partOf(here)[0]}%`, top: `${100 * partOf(here)[1]}%` },
      }),
    axisRange("across", 0),
    axisRange("up", 1),
  );
}

/**
 * Where faces lie, once they have stayed the same for a moment; of what was there before, what is there still.
 * @param {ModelInfo} model
 * @param {Axes} axes
 * @param {LoomDocument[]} documents
 * @returns {(Place | undefined)[]} undefined: not known yet
 */
function usePlaces(model, axes, documents) {
  const [found, setFound] = useState(/** @type {Record<string, Place>} */ ({}));
  const keyOf = (/** @type {LoomDocument} */ document) =>
    JSON.stringify([axes.across.id, axes.up.id, document]);
  const missing = documents.filter((document) => !(keyOf(document) in found));
  useEffect(() => {
    if (missing.length === 0) return undefined;
    let wanted = true;
    const ask = async () => {
      try {
        const places = await placesOn(model.name, axes, missing);
        const known = missing.map((document, index) => [keyOf(document), places[index]]);
        if (wanted) setFound({ ...found, ...Object.fromEntries(known) });
      } catch {
        // no place, no mark: the picture of such a document says why it cannot be made
      }
    };
    const timer = setTimeout(() => void ask(), Object.keys(found).length ? SETTLED_AFTER_MS : 0);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [missing.map(keyOf).join()]);
  return documents.map((document) => found[keyOf(document)]);
}

/**
 * @param {{ model: ModelInfo, axes: Axes, from: LoomDocument, fromPlace: Place | undefined }} props
 */
function Pictures({ model, axes, from, fromPlace }) {
  const wanted = fromPlace
    ? fromTheMiddle(cellPlaces()).map(({ place, index }) => ({
        key: JSON.stringify([index, axes.across.id, axes.up.id, from]),
        index,
        document: documentAt(from, fromPlace, axes, place),
      }))
    : [];
  const tiles = useTiles(wanted, levelOf(model, SIDE));
  const failed = wanted.some(({ key }) => tiles.get(key).problem);
  return [
    h(
      "div",
      { class: "map-pictures", key: "pictures", style: { "--cells": CELLS }, "aria-hidden": "true" },
      [...wanted]
        .sort((a, b) => a.index - b.index)
        .map(({ key, index }) => {
          const { url } = tiles.get(key);
          return url
            ? h("img", { key: index, src: url, alt: "", draggable: false })
            : h("span", { key: index, class: "thumbnail" });
        }),
    ),
    failed &&
      h(
        "button",
        {
          key: "retry",
          type: "button",
          class: "button map-retry",
          onPointerDown: (/** @type {PointerEvent} */ event) => event.stopPropagation(),
          onClick: () => tiles.retry(),
        },
        t("map.retry"),
      ),
  ];
}

/** The gallery's faces and those seen lately. @param {{ view: View, model: ModelInfo, axes: Axes }} props */
function Markers({ view, model, axes }) {
  const { state, editor } = view;
  const marked = markedOf(state, model);
  const places = usePlaces(
    model,
    axes,
    marked.map(({ document }) => document),
  );
  return h(
    "div",
    { class: "map-markers", role: "group", "aria-label": t("map.marks") },
    marked.map(({ key, title, document, kind }, index) => {
      const place = places[index];
      if (!place || !isOnMap(place)) return null;
      const [left, top] = partOf(place);
      return h("button", {
        key,
        type: "button",
        class: `map-mark ${kind}`,
        tabIndex: -1, // gallery and trail have them for keys and fingers
        style: { left: `${100 * left}%`, top: `${100 * top}%` },
        "aria-label": t(`map.${kind}`, { face: title }),
        title,
        "data-testid": `map-${kind}`,
        onPointerDown: (/** @type {PointerEvent} */ event) => event.stopPropagation(),
        onClick: () => editor.change(document),
      });
    }),
  );
}

/** @param {View["state"]} state @param {ModelInfo} model @returns {Marked[]} */
function markedOf({ exploring, gallery }, model) {
  const kept = (gallery.items ?? [])
    .filter(({ document }) => document.model === model.name)
    .slice(0, MOST_MARKED)
    .map(({ id, name, document }) => ({
      key: id,
      title: name || faceTitle(document.base),
      document,
      kind: /** @type {const} */ ("kept"),
    }));
  const plain = plainDocument(model.name, 0, 0);
  const seen = exploring.trail
    .filter((base) => base.truncation_psi !== 0)
    .slice(-MOST_MARKED)
    .map((base) => ({
      key: faceName(base),
      title: faceTitle(base),
      document: { ...plain, base },
      kind: /** @type {const} */ ("seen"),
    }));
  return [...seen, ...kept];
}
