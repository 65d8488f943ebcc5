// The course of a search: its film strip of key moments, and its loss curve.

import { h } from "../vendor/preact.js";
import { CURVE_HEIGHT, CURVE_WIDTH, curveLines } from "../curve.js";
import { rungTitle } from "../ladder.js";
import { t } from "../language.js";

/** @import { PlainKey } from "../language_types.js" */
/** @import { CurvePoint, Job, Moment } from "../messages.js" */

/** Terms of the loss that have a text. */
const NAMES = /** @type {Record<string, PlainKey>} */ ({
  loss: "curve.loss",
  distance: "curve.distance",
  pixel: "curve.pixel",
  noise: "curve.noise",
  delta: "curve.delta",
  locality: "curve.locality",
});

/**
 * @param {{ moments: Moment[], chosen: Moment | null, onChoose: (moment: Moment | null) => void }} props
 */
export function FilmStrip({ moments, chosen, onChoose }) {
  if (!moments.length) return null;
  return h(
    "div",
    { class: "film", role: "group", "aria-label": t("film.label"), "data-testid": "film" },
    moments.map((moment) =>
      h(
        "button",
        {
          key: moment.step,
          type: "button",
          class: "face-choice",
          "aria-pressed": moment.step === chosen?.step,
          "aria-label": t("film.moment", {
            rung: rungTitle(moment.rung),
            step: moment.step,
            distance: moment.distance.toPrecision(3),
          }),
          title: t("film.distance", { distance: moment.distance.toPrecision(3) }),
          onClick: () => onChoose(moment.step === chosen?.step ? null : moment),
        },
        h("img", { class: "thumbnail", src: moment.url, alt: "", draggable: false }),
        h("span", null, moment.step),
      ),
    ),
  );
}

/** @param {{ points: CurvePoint[], job: Job }} props */
export function Curve({ points, job }) {
  const lines = curveLines(points, job.total);
  if (!lines.length) return null;
  const ends = job.rungs.slice(0, -1).map((_, i) => sum(job.rungs.slice(0, i + 1)));
  const first = points[0].loss.toPrecision(3);
  return h(
    "figure",
    { class: "course", "data-testid": "curve" },
    h(
      "svg",
      {
        class: "curve",
        viewBox: `0 -2 ${CURVE_WIDTH} ${CURVE_HEIGHT + 4}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": t("curve.label", { first, last: lines[0].last.toPrecision(3) }),
      },
      ends.map((end) => {
        const x = (CURVE_WIDTH * end) / job.total;
        return h("line", { key: end, class: "curve-rung", x1: x, x2: x, y1: -2, y2: CURVE_HEIGHT + 2 });
      }),
      lines.map(({ name, line }) => h("polyline", { key: name, class: `term ${name}`, points: line })),
    ),
    h(
      "figcaption",
      null,
      lines.map(({ name, last }) =>
        h(
          "span",
          { key: name },
          h(
            "svg",
            { viewBox: "0 0 16 4", "aria-hidden": "true" },
            h("polyline", { class: `term ${name}`, points: "0,2 16,2" }),
          ),
          `${NAMES[name] ? t(NAMES[name]) : name} ${last < 100 ? last.toPrecision(2) : Math.round(last)}`,
        ),
      ),
    ),
  );
}

/** @param {Job["rungs"]} rungs */
const sum = (rungs) => rungs.reduce((steps, rung) => steps + rung.steps, 0);
