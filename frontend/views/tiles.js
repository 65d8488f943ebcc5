// Pictures of many documents in a view: they come while it is shown, and go with it.

import { useEffect, useReducer, useRef } from "../vendor/hooks.js";
import { render } from "../api.js";
import { Tiles } from "../tiles.js";

/** @import { ModelInfo } from "../messages.js" */
/** @import { Wanted } from "../tiles.js" */

/**
 * The largest level of the model's pictures that is no larger than what is shown.
 * @param {ModelInfo} model
 * @param {number} side
 */
export const levelOf = ({ resolutions, img_resolution }, side) =>
  Math.max(...resolutions.filter((each) => each <= side), Math.min(img_resolution, 4));

/**
 * @param {Wanted[]} wanted
 * @param {number} side of the pictures, one of the model's levels
 * @returns {Tiles}
 */
export function useTiles(wanted, side) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  const resolution = useRef(side);
  resolution.current = side;
  const tiles = useRef(/** @type {Tiles | null} */ (null));
  tiles.current ??= new Tiles(
    async (document) => URL.createObjectURL(await render(document, resolution.current, "jpeg")),
    () => redraw(undefined),
  );
  const { current } = tiles;
  useEffect(() => current.want(wanted), [JSON.stringify(wanted.map(({ key }) => key))]);
  useEffect(() => () => current.close(), []);
  return current;
}
