// What directions that were found by themselves are called on the page; a name that a person gave stays.

import { t } from "./language.js";

/** As server/engine/latent_map.py and models/editing/ganspace.py name what they find.
 * @type {[RegExp, (found: string[]) => string][]} */
const FOUND = [
  [/^Map axis (\d+)$/, ([number]) => t("directions.mapAxis", { number })],
  [/^W component (\d+)$/, ([number]) => t("directions.component", { of: "W", number })],
  [/^(\d+)x\d+ component (\d+)$/, ([side, number]) => t("directions.component", { of: `${side}x${side}`, number })],
];

/** @param {string} name as the server has it */
export function directionName(name) {
  for (const [pattern, said] of FOUND) {
    const found = pattern.exec(name);
    if (found) return said(found.slice(1));
  }
  return name;
}
