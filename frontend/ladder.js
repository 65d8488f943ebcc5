// The ladder of searches: its rungs, what they take, and which of them are left to climb.

import { t } from "./language.js";
import { isOver } from "./selectors.js";

/** @import { Job, ModelInfo, Rung, Schedule, SearchSettings, Space } from "./messages.js" */

export const SPACES = /** @type {const} */ (["start", "w", "w+", "pti"]);
export const MAX_STEPS = 5000;

/** What a rung is called. @param {Space} space */
export const rungTitle = (space) => t(`rung.${space}`);

/** As models/projection/ladder.py has them. */
const W_STEPS = /** @type {Record<Schedule, number>} */ ({ published: 1000, fast: 250 });
const ABOVE = /** @type {Partial<Record<Space, [Rung, number]>>} */ ({
  "w+": ["w+", 200],
  pti: ["pti", 150],
});

/** What a rung is for. @param {Space} space @param {Pick<ModelInfo, "encoder"> | null} model */
export function gainOf(space, model) {
  if (space === "start")
    return model?.encoder === false ? t("ladder.gainMean") : t("ladder.gainGuess");
  return { w: t("ladder.gainW"), "w+": t("ladder.gainWPlus"), pti: t("ladder.gainTuned") }[space];
}

/** Steps of all rungs up to this one. @param {Pick<SearchSettings, "space" | "schedule" | "steps">} how */
export function plannedSteps({ space, schedule, steps }) {
  if (space === "start") return 0;
  const full = W_STEPS[schedule];
  const first = steps ?? full;
  const above = ABOVE[space];
  return first + (above ? Math.max(1, Math.round(above[1] * Math.min(1, first / full))) : 0);
}

/** Steps of W unless another number is asked for. @param {Schedule} schedule */
export const stepsOf = (schedule) => W_STEPS[schedule];

/**
 * Seconds a search will take, as the newest one in this model says; null before the first.
 * @param {number} steps
 * @param {Job[]} jobs oldest first
 * @param {string | undefined} model
 */
export function expectedSeconds(steps, jobs, model) {
  const like = jobs.findLast((job) => job.model === model && job.step > 0 && job.seconds > 0);
  return like ? (steps * like.seconds) / like.step : null;
}

/**
 * Where a search that is over can go on to: the rungs above, and those that gain from another round.
 * @param {Job} job
 * @returns {Rung[]}
 */
export function furtherRungs(job) {
  if (!isOver(job) || !job.latent) return [];
  return job.space === "start" ? ["w"] : job.space === "pti" ? ["pti"] : ["w+", "pti"];
}
