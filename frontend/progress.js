// What a search says about itself, in words.

import { rungTitle } from "./ladder.js";
import { plural, t, term } from "./language.js";
import { isOver } from "./selectors.js";

/** @import { PlainKey } from "./language_types.js" */
/** @import { Job } from "./messages.js" */

/** What it does now. @param {Job} job */
export function headline(job) {
  const { state, position, rung, step, total, error } = job;
  if (state === "paused") {
    const paused = t("search.pausedAt", { step, total });
    return error ? `${paused}: ${error.detail}` : paused; // the server's own doing, as on a full disk
  }
  if (state === "queued") return position ? t("search.inLine", { position }) : t("search.waiting");
  if (rung) return t("search.rungAt", { rung: rungTitle(rung), step, total });
  return step ? t("search.at", { step, total }) : t("search.beginning");
}

/**
 * What is worth saying aloud: changes of state and quarters of the way, nothing in between.
 * @param {Job} job
 */
export function milestone(job) {
  if (isOver(job)) return outcome(job);
  if (job.state !== "running") return headline(job);
  const quarter = Math.floor((4 * job.step) / Math.max(1, job.total));
  return quarter ? t("search.percent", { percent: 25 * quarter }) : t("search.begun");
}

/** How it ended. @param {Job} job */
export function outcome(job) {
  const { step, total } = job;
  const kept = job.latent ? ` ${t("outcome.kept")}` : "";
  if (job.state === "failed") return `${cause(job)}${kept}`;
  if (job.state === "cancelled")
    return step ? `${t("outcome.cancelledAt", { step, total })}${kept}` : t("outcome.cancelledEarly");
  if (job.space !== "start") return t("outcome.done");
  return job.began_at === "mean_face" ? t("outcome.mean") : t("outcome.guess");
}

/** @param {Job} job */
const cause = ({ model, error }) =>
  error?.code === "unknown_model"
    ? t("model.gone", { model })
    : error?.detail || t("outcome.unknownCause");

const NEXT_STEPS = /** @type {Record<string, PlainKey>} */ ({
  diverged: "next.diverged",
  gpu_out_of_memory: "next.memory",
  model_changed: "next.modelChanged",
  unknown_model: "next.unknownModel",
  model_unavailable: "next.modelUnavailable",
  worker_lost: "next.workerLost",
});

/** The text of what to do about a failure. @param {Job} job */
export const nextStep = (job) => NEXT_STEPS[job.error?.code ?? ""] ?? "next.retry";

/** @param {number | null} seconds */
export const timeLeft = (seconds) =>
  seconds === null ? t("search.estimating") : t("search.left", { time: duration(seconds) });

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", { seconds: whole });
  return t("time.minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

const TRUNKS = /** @type {Record<string, string>} */ ({
  squeeze: "SqueezeNet",
  vgg: "VGG-16",
  alex: "AlexNet",
});

/** Only a distance that is LPIPS is called so. @param {string} name */
export function metricName(name) {
  if (name.startsWith("lpips")) return `LPIPS, ${TRUNKS[name.slice(6)] ?? name.slice(6)}`;
  return name === "efficientnet-lite0" ? t("metric.efficientnet") : t("metric.other", { name });
}

/**
 * What is known about a result, as name and value; a figure that cannot be had says why.
 * @param {Job} job
 * @returns {[string, string, string?][]} the third is an explanation
 */
export function figures(job) {
  const metric = metricName(job.metric);
  return [
    [t("figure.distance"), number(job.distance), metric],
    [
      t("figure.pixelError"),
      job.pixel_error === null ? "–" : `${(100 * job.pixel_error).toFixed(1)} %`,
      t("figure.pixelNote"),
    ],
    [
      t("figure.identity"),
      number(job.identity),
      job.identity === null ? term("figure.identityUnknown", job.identity_note) : t("figure.identityNote"),
    ],
    [t("figure.time"), duration(job.seconds), plural("ladder.steps", job.step)],
  ];
}

/** @param {number | null} value */
const number = (value) => (value === null ? "–" : value.toPrecision(3));
