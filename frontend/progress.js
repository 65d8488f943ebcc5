// What a search says about itself, in words.

import { TITLES } from "./ladder.js";
import { isOver } from "./selectors.js";

/** @import { Job } from "./messages.js" */

/** What it does now. @param {Job} job */
export function headline(job) {
  const at = `step ${job.step} of ${job.total}`;
  if (job.state === "paused") return `Paused at ${at}`;
  if (job.state === "queued")
    return job.position ? `Waiting, number ${job.position} in line` : "Waiting for its turn";
  return job.rung
    ? `${TITLES[job.rung]}, ${at}`
    : job.step
      ? `Step ${job.step} of ${job.total}`
      : "Beginning…";
}

/**
 * What is worth saying aloud: changes of state and quarters of the way, nothing in between.
 * @param {Job} job
 */
export function milestone(job) {
  if (isOver(job)) return outcome(job);
  if (job.state !== "running") return headline(job);
  const quarter = Math.floor((4 * job.step) / Math.max(1, job.total));
  return quarter ? `The search is ${25 * quarter} percent done` : "The search has begun";
}

/** How it ended. @param {Job} job */
export function outcome(job) {
  const kept = job.latent ? " The closest face so far is kept." : "";
  if (job.state === "failed") return `${cause(job)}${kept}`;
  if (job.state === "cancelled")
    return job.step
      ? `Cancelled at step ${job.step} of ${job.total}.${kept}`
      : "Cancelled before the first step.";
  if (job.space !== "start") return "The face was found.";
  return job.began_at === "mean_face"
    ? "This is the mean face: the model has no encoder that could guess. Go on to W."
    : "This is the encoder’s guess.";
}

/** @param {Job} job */
const cause = ({ model, error }) =>
  error?.code === "unknown_model"
    ? `The model ${model} is not here any more.`
    : error?.detail || "It is not known why.";

const NEXT_STEPS = /** @type {Record<string, string>} */ ({
  diverged: "Move the three points, or take another number of steps.",
  gpu_out_of_memory: "Close other programs that use the graphics card, or choose a smaller model.",
  model_changed: "The model’s file was replaced meanwhile: search again in the new one.",
  unknown_model: "Choose another model on top of the page, or put this one back and search again.",
  model_unavailable: "Choose another model on top of the page.",
  worker_lost: "Restart the server: searches that were not over go on then.",
});

/** What to do about a failure. @param {Job} job */
export const nextStep = (job) =>
  NEXT_STEPS[job.error?.code ?? ""] ?? "Try again. If it stays so, the server’s log says more.";

/** @param {number | null} seconds */
export const timeLeft = (seconds) => (seconds === null ? "estimating…" : `${duration(seconds)} left`);

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const TRUNKS = /** @type {Record<string, string>} */ ({
  squeeze: "SqueezeNet",
  vgg: "VGG-16",
  alex: "AlexNet",
});

/** Only a distance that is LPIPS is called so. @param {string} name */
export function metricName(name) {
  if (name.startsWith("lpips")) return `LPIPS, ${TRUNKS[name.slice(6)] ?? name.slice(6)}`;
  return name === "efficientnet-lite0" ? "EfficientNet-Lite0 features, not LPIPS" : `${name}, not LPIPS`;
}

/**
 * What is known about a result, as name and value; a figure that cannot be had says why.
 * @param {Job} job
 * @returns {[string, string, string?][]} the third is an explanation
 */
export function figures(job) {
  const metric = metricName(job.metric);
  return [
    ["Distance", number(job.distance), metric],
    [
      "Pixel error",
      job.pixel_error === null ? "–" : `${(100 * job.pixel_error).toFixed(1)} %`,
      "mean absolute difference",
    ],
    [
      "Identity",
      number(job.identity),
      job.identity === null ? job.identity_note : "cosine similarity, 1 is the same",
    ],
    ["Time", duration(job.seconds), `${job.step} ${job.step === 1 ? "step" : "steps"}`],
  ];
}

/** @param {number | null} value */
const number = (value) => (value === null ? "–" : value.toPrecision(3));
