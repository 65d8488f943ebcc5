// A search under way: how far it is, what it sees, and the ways to hold it.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { figures, headline, milestone, timeLeft } from "../progress.js";
import { isOver } from "../selectors.js";
import { Curve, FilmStrip } from "./course.js";

/** @import { Job, Moment } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {View & { job: Job }} props */
export function Projection(props) {
  const { job, state, projecting } = props;
  const [moment, setMoment] = useState(/** @type {Moment | null} */ (null));
  return h(
    "div",
    { class: "search", "data-testid": "search", "data-state": job.state },
    h(
      "div",
      { class: "row" },
      h("strong", { "data-testid": "headline" }, headline(job)),
      h("div", { class: "spacer" }),
      h("span", { class: "note" }, job.state === "running" ? timeLeft(job.eta_s) : ""),
    ),
    h(Bar, { job }),
    h(Hold, { job, onTell: (what) => projecting.tell(job, what) }),
    h(
      "div",
      { class: "pair" },
      h(
        "figure",
        null,
        h("img", { src: job.target_url, alt: t("search.target"), draggable: false }),
        h("figcaption", null, t("search.photo")),
      ),
      h(
        "figure",
        null,
        h(Found, { ...props, moment }),
        h("figcaption", null, moment ? t("search.atStep", { step: moment.step }) : t("search.best")),
      ),
    ),
    h(FilmStrip, { moments: state.moments[job.id] ?? [], chosen: moment, onChoose: setMoment }),
    job.step > 0 && h(Figures, { job }),
    h(Curve, { points: state.curves[job.id] ?? [], job }),
  );
}

/** What is worth saying aloud, and nothing more. @param {{ job: Job | null }} props */
export function Announcement({ job }) {
  return h(
    "p",
    { class: "visually-hidden", role: "status", "data-testid": "announcement" },
    job ? milestone(job) : "",
  );
}

/** One part for each rung, as long as its steps. @param {{ job: Job }} props */
function Bar({ job }) {
  return h(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "aria-label": t("search.label"),
      "aria-valuemin": 0,
      "aria-valuemax": job.total,
      "aria-valuenow": job.step,
      "aria-valuetext": headline(job),
      "data-testid": "progress",
      "data-state": job.state,
      "data-step": job.step,
      "data-total": job.total,
    },
    job.rungs.map(({ rung, steps, step }) =>
      h(
        "div",
        { key: rung, class: "bar-part", style: { flexGrow: steps } },
        h("div", { class: "bar-fill", style: { width: `${(100 * step) / Math.max(1, steps)}%` } }),
      ),
    ),
  );
}

/** @param {{ job: Job, onTell: (what: "pause" | "resume" | "cancel") => Promise<boolean> }} props */
function Hold({ job, onTell }) {
  const [told, setTold] = useState("");
  useEffect(() => setTold(""), [job.state]);
  const hold = job.state === "paused" ? "resume" : "pause";
  const labels = {
    pause: [t("search.pause"), t("search.pausing")],
    resume: [t("search.resume"), t("search.resuming")],
    cancel: [t("search.cancel"), t("search.cancelling")],
  };
  const button = (/** @type {"pause" | "resume" | "cancel"} */ what) =>
    h(
      "button",
      {
        type: "button",
        class: "button",
        "data-testid": what,
        disabled: told !== "",
        onClick: async () => {
          setTold(what);
          const taken = await onTell(what);
          if (!taken || what === "resume") setTold("");
        },
      },
      labels[what][told === what ? 1 : 0],
    );
  return h("div", { class: "row grow" }, button(hold), button("cancel"));
}

/**
 * The newest picture, or a moment of the film strip.
 * @param {Pick<View, "screen"> & { job: Job, moment: Moment | null }} props
 */
function Found({ job, screen, moment }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const live = job.state === "running" && job.step > 0 && !moment;
  useEffect(
    () => (live && canvas.current ? screen.attach(canvas.current, "projection") : undefined),
    [live, job.id],
  );
  if (live)
    return h("canvas", {
      ref: canvas,
      width: 128,
      height: 128,
      role: "img",
      "aria-label": t("search.bestAlt"),
    });
  const url = moment?.url ?? job.preview_url;
  if (url)
    return h("img", {
      src: url,
      alt: moment ? t("search.faceAtStep", { step: moment.step }) : t("search.bestAlt"),
      draggable: false,
    });
  return h("span", { class: "placeholder", "aria-hidden": "true" }, "?");
}

/** @param {{ job: Job }} props */
export function Figures({ job }) {
  const shown = figures(job).slice(0, isOver(job) ? 4 : 2);
  return h(
    "dl",
    { class: "figures", "data-testid": "figures" },
    shown.map(([name, value, note]) =>
      h("div", { key: name }, h("dt", null, name), h("dd", null, value, h("small", null, note))),
    ),
  );
}
