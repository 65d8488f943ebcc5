// What a step of the history did, in words: the difference of two documents.

import { formatNumber, t, term } from "./language.js";
import { titleOf } from "./selectors.js";

/** @import { AnyModel, Base, LoomDocument } from "./messages.js" */

/**
 * @param {LoomDocument | null} before null: there is nothing before
 * @param {LoomDocument} after
 * @param {AnyModel[]} models
 */
export function describeStep(before, after, models) {
  if (!before) return t("history.begin", { face: faceOf(after.base) });
  if (before.model !== after.model) {
    const model = models.find(({ name }) => name === after.model);
    return t("history.model", { name: model ? titleOf(model) : after.model });
  }
  const parts = PARTS.map((part) => part(before, after, models)).filter((words) => words !== "");
  if (!parts.length) return t("history.same");
  return parts.length > 2
    ? t("history.more", { first: parts[0], count: parts.length - 1 })
    : parts.join(", ");
}

/**
 * Empty where there is no difference.
 * @typedef {(before: LoomDocument, after: LoomDocument, models: AnyModel[]) => string} Part
 */

/** @type {Part[]} */
const PARTS = [
  ({ base: from }, { base: to }) => {
    if (same(from, to)) return "";
    const face = same(
      { ...from, truncation_psi: 0, truncation_cutoff: null },
      { ...to, truncation_psi: 0, truncation_cutoff: null },
    );
    return face ? t("history.psi", { psi: formatNumber(to.truncation_psi) }) : faceOf(to);
  },
  (before, after, models) => attributes(before, after, models),
  (before, after) => (same(before.light, after.light) ? "" : t("history.light")),
  (before, after) => (same(before.directions, after.directions) ? "" : t("history.direction")),
  (before, after) =>
    same(before.mix, after.mix) ? "" : t(after.mix.length ? "history.mix" : "history.mixOff"),
  (before, after) => (same(before.noise, after.noise) ? "" : t("history.noise")),
  (before, after) => (same(before.locks, after.locks) ? "" : t("history.locks")),
  (before, after) => (same(before.base_attributes, after.base_attributes) ? "" : t("history.correction")),
  (before, after) =>
    before.calibrated === after.calibrated && same(before.layers, after.layers) ? "" : t("history.manner"),
];

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** @param {Base} base */
const faceOf = (base) =>
  base.kind === "seed" ? t("history.seed", { seed: String(base.seed) }) : t("history.found");

/** @type {Part} */
function attributes(before, after, models) {
  const names = [...new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)])];
  const changed = names.filter((name) => before.attributes[name] !== after.attributes[name]);
  if (!changed.length) return "";
  const listed = models.find(({ name }) => name === after.model);
  const infos = listed && "attributes" in listed ? listed.attributes : [];
  const [first] = changed;
  const name = term(`attribute.${first}`, infos.find((info) => info.name === first)?.label ?? first);
  const value = after.attributes[first];
  if (changed.length > 1) return t("history.attributes", { name, count: changed.length - 1 });
  return value === undefined ? t("history.reset", { name }) : t("history.attribute", { name, value });
}
