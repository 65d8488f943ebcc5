// A search for a photo's face: how far it is, and what came of it.

import { Fragment, h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { isOver, titleOf } from "../selectors.js";

/** @import { Job } from "../messages.js" */
/** @import { CurvePoint } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View & { job: Job | null, crop: string | undefined }} props */
export function Projection(props) {
  const { job, crop, state } = props;
  return h(
    Fragment,
    null,
    job &&
      !isOver(job) &&
      h(Progress, { job, curve: state.curves[job.id] ?? [], onCancel: () => props.projecting.cancel(job) }),
    h(
      "div",
      { class: "pair" },
      crop &&
        h(
          "figure",
          null,
          h("img", {
            src: crop,
            alt: "The aligned crop of the photo",
            "data-testid": "crop",
            draggable: false,
          }),
          h("figcaption", null, "Aligned crop"),
        ),
      h("figure", null, h(Found, props), h("figcaption", null, caption(job))),
    ),
    job && isOver(job) && h(Outcome, { ...props, job }),
  );
}

/** @param {Job | null} job */
function caption(job) {
  if (!job) return "Found face";
  if (job.state === "succeeded") return "Found face";
  return isOver(job) && !job.latent ? "Nothing found" : "Best so far";
}

/** @param {View & { job: Job | null }} props */
function Found({ job, screen }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const live = job !== null && !isOver(job) && job.step > 0;
  useEffect(
    () => (live && canvas.current ? screen.attach(canvas.current, "projection") : undefined),
    [live, job?.id],
  );
  if (live)
    return h("canvas", {
      ref: canvas,
      width: 128,
      height: 128,
      role: "img",
      "aria-label": "Best face so far",
    });
  if (job?.latent && job.preview_url)
    return h("img", { src: job.preview_url, alt: "The face that was found", draggable: false });
  return h("span", { class: "placeholder", "aria-hidden": "true" }, "?");
}

/** @param {{ job: Job, curve: CurvePoint[], onCancel: () => Promise<void> }} props */
function Progress({ job, curve, onCancel }) {
  const [cancelling, setCancelling] = useState(false);
  const percent = Math.round((100 * job.step) / Math.max(1, job.total));
  const cancel = async () => {
    setCancelling(true);
    await onCancel();
    setCancelling(false);
  };
  return h(
    "div",
    { class: "progress" },
    h(
      "div",
      { class: "row" },
      h("strong", null, job.state === "queued" ? "Waiting for its turn" : `Step ${job.step} of ${job.total}`),
      h("span", { class: "note" }, job.state === "queued" ? "" : timeLeft(job.eta_s)),
      h("div", { class: "spacer" }),
      h(
        "button",
        { type: "button", class: "button", "data-testid": "cancel", disabled: cancelling, onClick: cancel },
        cancelling ? "Cancelling…" : "Cancel",
      ),
    ),
    h(
      "div",
      {
        class: "bar",
        role: "progressbar",
        "aria-label": "Search for the face",
        "aria-valuemin": 0,
        "aria-valuemax": job.total,
        "aria-valuenow": job.step,
        "aria-valuetext": `Step ${job.step} of ${job.total}`,
        "data-testid": "progress",
        "data-state": job.state,
        "data-step": job.step,
        "data-total": job.total,
      },
      h("div", { class: "bar-fill", style: { width: `${percent}%` } }),
    ),
    h(Curve, { curve, total: job.total }),
    h(Readings, { job }),
  );
}

/** @param {{ job: Job }} props */
function Readings({ job }) {
  const pairs = [
    ["Distance", job.distance],
    ["Loss", job.loss],
  ];
  return h(
    "dl",
    { class: "readings" },
    pairs.map(([name, value]) =>
      h(
        "div",
        { key: name },
        h("dt", null, name),
        h("dd", null, typeof value === "number" ? value.toPrecision(3) : "–"),
      ),
    ),
  );
}

/** The loss by step, on a logarithmic scale. @param {{ curve: CurvePoint[], total: number }} props */
function Curve({ curve, total }) {
  if (curve.length < 2) return h("div", { class: "curve empty" });
  const logs = curve.map(({ loss }) => Math.log10(Math.max(loss, 1e-6)));
  const low = Math.min(...logs);
  const span = Math.max(...logs) - low || 1;
  const points = curve.map(
    ({ step }, i) =>
      `${((200 * step) / total).toFixed(1)},${(38 - (36 * (logs[i] - low)) / span).toFixed(1)}`,
  );
  return h(
    "svg",
    {
      class: "curve",
      viewBox: "0 0 200 40",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Loss, from ${curve[0].loss.toPrecision(3)} to ${curve[curve.length - 1].loss.toPrecision(3)}`,
    },
    h("polyline", { points: points.join(" ") }),
  );
}

/** @param {View & { job: Job }} props */
function Outcome({ job, state, projecting }) {
  const base = state.document?.base;
  const inUse = base?.kind === "latent" && base.latent === job.latent;
  const other = job.model === state.document?.model ? null : job.model;
  const listed = state.models.find(({ name }) => name === other);
  return h(
    "div",
    {
      class: job.state === "failed" ? "problem" : "outcome",
      role: "status",
      "data-testid": "outcome",
      "data-state": job.state,
    },
    h("p", null, OUTCOMES[job.state]?.(job)),
    job.distance !== null &&
      job.state === "succeeded" &&
      h("p", { class: "note" }, `Distance ${job.distance.toPrecision(3)} after ${job.step} steps.`),
    other &&
      h("p", { class: "note" }, `It was searched in another model, ${listed ? titleOf(listed) : other}.`),
    job.latent &&
      (inUse
        ? h("p", { class: "note" }, "It is the face being edited. Undo brings back the one before.")
        : h(
            "button",
            {
              type: "button",
              class: job.state === "cancelled" ? "button primary" : "button",
              "data-testid": "use-latent",
              onClick: () => projecting.use(job),
            },
            job.state === "cancelled" ? "Use the best so far" : "Use this face",
          )),
  );
}

const OUTCOMES = /** @type {Record<string, (job: Job) => string>} */ ({
  succeeded: () => "The face was found.",
  cancelled: (job) =>
    job.latent
      ? `Cancelled at step ${job.step} of ${job.total}. The best face so far is kept.`
      : "Cancelled before the first step.",
  failed: (job) => job.error?.detail || "The search failed.",
});

/** @param {number | null} seconds */
export function timeLeft(seconds) {
  if (seconds === null) return "estimating…";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s left`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s left`;
}
