// The gallery in the page's state: what is in it, in which order, and what is chosen. Pure.

/** @import { GalleryItem } from "./exporting_messages.js" */

/**
 * @typedef {object} Collection
 * @property {GalleryItem[] | null} items newest first; null: not read yet
 * @property {"newest" | "starred"} order
 * @property {string[]} chosen ids
 * @property {string[]} deleted ids of what was deleted last and can be brought back
 * @property {boolean} busy an archive is being made
 */

/**
 * @typedef {{ do: "read", items: GalleryItem[] | null }
 *   | { do: "added", items: GalleryItem[] }
 *   | { do: "changed", item: GalleryItem }
 *   | { do: "deleted", ids: string[] }
 *   | { do: "order", order: Collection["order"] }
 *   | { do: "choose", ids: string[] }
 *   | { do: "busy", busy: boolean }} CollectionAction
 */

/** @type {Collection} */
export const EMPTY_COLLECTION = Object.freeze({
  items: null,
  order: "newest",
  chosen: [],
  deleted: [],
  busy: false,
});

/** @param {Collection} collection @param {CollectionAction} action @returns {Collection} */
export function reduceCollection(collection, action) {
  const items = collection.items ?? [];
  switch (action.do) {
    case "read":
      return { ...EMPTY_COLLECTION, order: collection.order, items: action.items };
    case "added": {
      const ids = action.items.map(({ id }) => id);
      const others = items.filter(({ id }) => !ids.includes(id));
      const deleted = collection.deleted.filter((id) => !ids.includes(id));
      return { ...collection, deleted, items: [...action.items, ...others].sort(newestFirst) };
    }
    case "changed":
      return {
        ...collection,
        items: items.map((item) => (item.id === action.item.id ? action.item : item)),
      };
    case "deleted":
      return {
        ...collection,
        items: items.filter(({ id }) => !action.ids.includes(id)),
        chosen: collection.chosen.filter((id) => !action.ids.includes(id)),
        deleted: action.ids,
      };
    case "order":
      return { ...collection, order: action.order };
    case "choose":
      return { ...collection, chosen: action.ids };
    case "busy":
      return { ...collection, busy: action.busy };
  }
}

/** @param {GalleryItem} a @param {GalleryItem} b */
const newestFirst = (a, b) => Number(a.created_at < b.created_at) - Number(a.created_at > b.created_at);

/** As they are shown. @param {Collection} collection @returns {GalleryItem[]} */
export function shownItems({ items, order }) {
  if (!items || order === "newest") return items ?? [];
  return [...items.filter(({ starred }) => starred), ...items.filter(({ starred }) => !starred)];
}

/**
 * The chosen ones after one was pressed: with shift all from the last chosen one to it, else it alone more or
 * less.
 * @param {Collection} collection
 * @param {string} id
 * @param {boolean} range
 */
export function withChosen(collection, id, range) {
  const { chosen } = collection;
  const last = chosen.at(-1);
  if (!range || last === undefined)
    return chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id];
  const ids = shownItems(collection).map((item) => item.id);
  const [from, to] = [ids.indexOf(last), ids.indexOf(id)].sort((a, b) => a - b);
  const between = ids.slice(from, to + 1).filter((each) => !chosen.includes(each) && each !== id);
  return [...chosen.filter((each) => each !== id), ...between, id];
}
