// The gallery: faces that were kept, to open, star, name, delete and take away.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { shownItems, withChosen } from "../collection.js";
import { stepInGrid } from "../grid.js";
import { formatDate, plural, t } from "../language.js";
import { isUsable } from "../selectors.js";
import { useShortcut } from "../shortcuts.js";
import { IconButton, Select, TextField } from "./controls.js";
import { Icon } from "./icons.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { GalleryItem } from "../exporting_messages.js" */
/** @import { View } from "./app.js" */

/** What an item without a name is called. @type {Intl.DateTimeFormatOptions} */
const WHEN = { month: "numeric", day: "numeric", hour: "numeric", minute: "2-digit" };
/** As many as the server puts into one archive. */
const MOST_IN_ARCHIVE = 100;

/** @param {View} view */
export function Gallery(view) {
  const { state, collecting } = view;
  const { items } = state.gallery;
  const add = useRef(() => void collecting.add());
  useShortcut({ keys: "s", message: "key.addToGallery" }, add);
  return h(
    "section",
    { class: "panel", id: "gallery", "aria-labelledby": "gallery-title" },
    h(
      "header",
      null,
      h("h2", { id: "gallery-title" }, t("section.gallery")),
      h("div", { class: "spacer" }),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "gallery-add",
          title: t("gallery.addHint"),
          disabled: !state.document || items === null,
          onClick: () => void collecting.add(),
        },
        h(Icon, { name: "star" }),
        t("gallery.add"),
      ),
    ),
    items?.length === 0 && h("p", { class: "note", "data-testid": "gallery-empty" }, t("gallery.empty")),
    items !== null && items.length > 0 && h(Tools, view),
    items !== null && items.length > 0 && h(Pictures, view),
    h(Undo, view),
  );
}

/** What is done with the chosen ones, or with all. @param {View} view */
function Tools({ state, store, collecting }) {
  const { gallery } = state;
  const all = shownItems(gallery).map(({ id }) => id);
  const { chosen, busy } = gallery;
  const meant = chosen.length ? chosen : all;
  const choose = (/** @type {string[]} */ ids) =>
    store.dispatch({ type: "gallery", action: { do: "choose", ids } });
  return h(
    "div",
    { class: "row wrap gallery-tools" },
    h(Select, {
      class: "select short",
      label: t("gallery.order"),
      testid: "gallery-order",
      value: gallery.order,
      options: [
        ["newest", t("gallery.newest")],
        ["starred", t("gallery.starred")],
      ],
      onChange: (order) =>
        store.dispatch({
          type: "gallery",
          action: { do: "order", order: order === "starred" ? "starred" : "newest" },
        }),
    }),
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": "gallery-choose-all",
        onClick: () => choose(chosen.length ? [] : all),
      },
      chosen.length ? t("gallery.chooseNone") : t("gallery.chooseAll"),
    ),
    h("span", { class: "note", role: "status" }, chosen.length > 0 && plural("gallery.chosen", chosen.length)),
    h(
      "div",
      { class: "gallery-acts" },
      h(IconButton, {
        icon: "download",
        label: chosen.length ? t("gallery.zipChosen") : t("gallery.zip"),
        testid: "gallery-zip",
        disabled: busy || meant.length > MOST_IN_ARCHIVE,
        onClick: () => void collecting.archive(meant),
      }),
      h(IconButton, {
        icon: "close",
        label: t("gallery.delete"),
        testid: "gallery-delete",
        disabled: chosen.length === 0,
        onClick: () => void collecting.remove(chosen),
      }),
    ),
    busy && h("p", { class: "note", role: "status" }, t("gallery.zipping")),
    meant.length > MOST_IN_ARCHIVE && h("p", { class: "note" }, t("gallery.zipMost", { most: MOST_IN_ARCHIVE })),
  );
}

/** A list that arrow keys walk through. @param {View} view */
function Pictures(view) {
  const { state, store, editor, collecting } = view;
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const [at, setAt] = useState(0);
  const items = shownItems(state.gallery);
  const focused = Math.min(at, items.length - 1);
  /** @param {number} to */
  const go = (to) => {
    setAt(to);
    /** @type {HTMLElement | undefined} */ (list.current?.querySelectorAll(".gallery-open")[to])?.focus();
  };
  const isLost = useRef(false); // the focus, with the picture that had it
  useEffect(() => {
    if (isLost.current && items.length) go(focused);
    isLost.current = false;
  }, [items.length]);
  /** @param {GalleryItem} item @param {boolean} range */
  const choose = (item, range) =>
    store.dispatch({ type: "gallery", action: { do: "choose", ids: withChosen(state.gallery, item.id, range) } });
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const item = items[focused];
    if (!(event.target instanceof HTMLElement) || !event.target.matches(".gallery-open")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = stepInGrid(event.key, focused, { count: items.length, columns: columnsOf(list.current) });
    if (to !== null) go(to);
    else if (event.key === " ") choose(item, event.shiftKey);
    else if (event.key === "*" || event.key === "f") void collecting.change(item, { starred: !item.starred });
    else if (event.key === "Delete") {
      isLost.current = true;
      void collecting.remove(state.gallery.chosen.length ? state.gallery.chosen : [item.id]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return h(
    "ul",
    { class: "gallery", ref: list, "aria-label": t("section.gallery"), "data-testid": "gallery", onKeyDown: onKey },
    items.map((item, index) =>
      h(Item, {
        key: item.id,
        item,
        view,
        walked: index === focused,
        chosen: state.gallery.chosen.includes(item.id),
        onFocus: () => setAt(index),
        onChoose: (range) => choose(item, range),
        onOpen: () => editor.change(item.document),
      }),
    ),
  );
}

/** @param {HTMLElement | null} list */
const columnsOf = (list) =>
  list ? Math.max(1, getComputedStyle(list).gridTemplateColumns.split(" ").length) : 1;

/**
 * @param {{ item: GalleryItem, view: View, walked: boolean, chosen: boolean, onFocus: () => void,
 *   onChoose: (range: boolean) => void, onOpen: () => void }} props walked: where the Tab key leads
 */
function Item({ item, view, walked, chosen, onFocus, onChoose, onOpen }) {
  const { state, collecting } = view;
  const model = state.models.filter(isUsable).find(({ name }) => name === item.document.model);
  const place = useRef(/** @type {HTMLLIElement | null} */ (null));
  const seen = useSeen(place);
  const when = formatDate(new Date(item.created_at), WHEN);
  const label = item.name || when;
  const tabIndex = walked ? 0 : -1;
  return h(
    "li",
    { ref: place, class: chosen ? "gallery-item chosen" : "gallery-item", "data-testid": "gallery-item" },
    h(
      "button",
      {
        type: "button",
        class: "gallery-open",
        "aria-label": t("gallery.open", { name: label }),
        title: model ? `${label}\n${t("gallery.openHint")}` : t("gallery.noModel", { model: item.document.model }),
        tabIndex,
        disabled: !model,
        "data-testid": "gallery-open",
        onFocus,
        onClick: onOpen,
      },
      model && seen
        ? h(Thumbnail, { document: item.document, model })
        : h("span", { class: "thumbnail" }, !model && t("thumbnail.none")),
    ),
    h(
      "label",
      { class: "gallery-choice" },
      h("input", {
        type: "checkbox",
        tabIndex,
        "aria-label": t("gallery.choose", { name: label }),
        "data-testid": "gallery-choice",
        checked: chosen,
        onClick: (/** @type {MouseEvent} */ event) => onChoose(event.shiftKey),
      }),
    ),
    h(
      "button",
      {
        type: "button",
        class: "gallery-star",
        tabIndex,
        "aria-label": item.starred ? t("gallery.unstar", { name: label }) : t("gallery.star", { name: label }),
        "aria-pressed": item.starred,
        "data-testid": "gallery-star",
        onClick: () => void collecting.change(item, { starred: !item.starred }),
      },
      h(Icon, { name: "star" }),
    ),
    h(TextField, {
      class: "gallery-name",
      tabIndex,
      maxLength: 120,
      value: item.name,
      placeholder: when,
      label: t("gallery.name", { name: label }),
      testid: "gallery-name",
      onChange: (name) => collecting.change(item, { name }),
    }),
  );
}

/** Whether it has been on screen: before that its picture is not asked for. @param {{ current: HTMLElement | null }} place */
function useSeen(place) {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!place.current) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      setSeen(true);
      observer.disconnect();
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return seen;
}

/** @param {View} view */
function Undo({ state, collecting }) {
  const { deleted } = state.gallery;
  if (!deleted.length) return null;
  return h(
    "p",
    { class: "note gallery-undo", role: "status", "data-testid": "gallery-undo" },
    h("span", null, plural("gallery.deleted", deleted.length)),
    h(
      "button",
      { type: "button", class: "button", "data-testid": "gallery-restore", onClick: () => void collecting.bringBack() },
      t("gallery.restore"),
    ),
  );
}
