// What an edit came to, in words: what was asked and reached, what else moved, how alike the face still is.

import { t, term } from "./language.js";

/** @import { PlainKey } from "./language_types.js" */
/** @import { AttributeInfo } from "./messages.js" */
/** @import { Reading } from "./editing_messages.js" */

/** In deviations of the population: less than this is nothing, and from the other on it can be seen. */
const NOTHING = 0.1;
const VISIBLE = 0.5;

/**
 * @param {number} value
 * @param {Pick<AttributeInfo, "unit" | "maximum">} info
 */
export function written(value, { unit, maximum }) {
  const digits = maximum <= 5 ? 2 : unit === "years" ? 0 : 1;
  const number = value
    .toFixed(digits)
    .replace(/^-(0(\.0*)?)$/, "$1")
    .replace("-", "−");
  return unit === "years" ? t("unit.years", { number }) : `${number}${unit}`;
}

/**
 * How far off what was reached is, as a part of the slider.
 * @param {Pick<AttributeInfo, "minimum" | "maximum">} info
 * @param {number} asked
 * @param {number} reached
 */
export const missedBy = ({ minimum, maximum }, asked, reached) =>
  Math.abs(reached - asked) / (maximum - minimum);

/**
 * @typedef {object} Movement
 * @property {string} name
 * @property {string} label
 * @property {string} from
 * @property {string} to
 * @property {string} words such as “older”
 * @property {boolean} visible
 */

/** Said of more and of less. @type {Record<string, [PlainKey, PlainKey]>} */
const CHANGES = {
  age: ["change.ageMore", "change.ageLess"],
  gender: ["change.genderMore", "change.genderLess"],
  glasses: ["change.glassesMore", "change.glassesLess"],
  yaw: ["change.yawMore", "change.yawLess"],
  pitch: ["change.pitchMore", "change.pitchLess"],
  baldness: ["change.baldnessMore", "change.baldnessLess"],
  beard: ["change.beardMore", "change.beardLess"],
  expression: ["change.expressionMore", "change.expressionLess"],
};
/** Of an attribute that only some models have. @type {[PlainKey, PlainKey]} */
const ANY_CHANGE = ["change.more", "change.less"];

/** What an attribute is called on the page. @param {Pick<AttributeInfo, "name" | "label">} info */
export const attributeLabel = ({ name, label }) => term(`attribute.${name}`, label);

/**
 * What was not asked for and moved, largest first. The reading before is known from how far it moved.
 * @param {Reading} reading
 * @param {AttributeInfo[]} infos
 * @param {number} [most]
 * @returns {Movement[]}
 */
export function movements({ moved, reached, estimated }, infos, most = 3) {
  if (!moved || !reached) return [];
  return infos
    .filter(({ name }) => Math.abs(moved[name] ?? 0) >= NOTHING)
    .sort((a, b) => Math.abs(moved[b.name]) - Math.abs(moved[a.name]))
    .slice(0, most)
    .map((info) => ({
      name: info.name,
      label: attributeLabel(info),
      from: written(estimated[info.name], info),
      to: written(reached[info.name], info),
      words: t((CHANGES[info.name] ?? ANY_CHANGE)[moved[info.name] > 0 ? 0 : 1]),
      visible: Math.abs(moved[info.name]) >= VISIBLE,
    }));
}

/** 100: the same picture; 0: as different as two people. @param {Reading["likeness"]} likeness */
export const likenessPercent = (likeness) =>
  likeness?.distance == null ? null : Math.round(100 * Math.min(1, Math.max(0, 1 - likeness.distance)));
