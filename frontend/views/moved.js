// What an edit did beside what was asked: how alike the face still is, and what else moved.

import { h } from "../vendor/preact.js";
import { editCount } from "../edits.js";
import { pieces, t } from "../language.js";
import { likenessPercent, movements } from "../readings.js";
import { readingOf } from "../selectors.js";

/** @import { AttributeInfo, ModelInfo } from "../messages.js" */
/** @import { Movement } from "../readings.js" */
/** @import { State } from "../state.js" */

/** @param {{ state: State, model: ModelInfo, infos: AttributeInfo[] }} props */
export function Moved({ state, model, infos }) {
  const { document } = state;
  const reading = readingOf(state);
  const edited = document !== null && editCount(document) > 0;
  const likeness = edited && reading && editCount(reading.document) > 0 ? reading.values.likeness : null;
  const percent = likenessPercent(likeness);
  const correcting = edited && !reading?.current && (document.calibrated || document.locks.length > 0);
  return h(
    "div",
    { class: "moved", "data-testid": "moved", "data-current": edited && reading?.current },
    h(
      "p",
      { class: "moved-head" },
      h("strong", null, t("moved.title")),
      correcting && h("span", null, t("moved.correcting")),
      !correcting &&
        percent !== null &&
        h(
          "span",
          { title: `${likeness?.judge}. ${likeness?.note}`, "data-testid": "likeness" },
          t("moved.likeness", { percent }),
        ),
    ),
    h("div", { role: "status" }, said(state, model, infos)),
  );
}

/** @param {State} state @param {ModelInfo} model @param {AttributeInfo[]} infos */
function said(state, model, infos) {
  const { document } = state;
  const reading = readingOf(state);
  if (!model.measurable) {
    return h(
      "p",
      { class: "note" },
      pieces("moved.noNetwork", { command: h("code", null, "latentloom train attributes") }),
    );
  }
  if (!document || editCount(document) === 0 || !reading)
    return h("p", { class: "note" }, t("moved.afterEdit"));
  if (!reading.current && editCount(reading.document) === 0)
    return h("p", { class: "note" }, t("moved.reading"));
  const moved = movements(reading.values, infos);
  if (moved.length === 0) return h("p", { class: "note" }, t("moved.nothing"));
  return h(
    "ul",
    null,
    moved.map((each) => h(MovedRow, { key: each.name, ...each, held: document.locks.includes(each.name) })),
  );
}

/** @param {Movement & { held: boolean }} movement held: and moved nonetheless */
function MovedRow({ name, label, from, to, words, visible, held }) {
  return h(
    "li",
    { class: visible ? "visible" : "", "data-testid": `moved-${name}` },
    h("span", null, label),
    h("span", null, held ? t("moved.held", { words }) : words),
    h("span", null, `${from} → ${to}`),
  );
}
