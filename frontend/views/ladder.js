// The ladder as one control: how far the search goes, what that takes, and how it is done.

import { Fragment, h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { clamp } from "../document.js";
import {
  MAX_STEPS,
  SPACES,
  expectedSeconds,
  gainOf,
  plannedSteps,
  rungTitle,
  stepsOf,
} from "../ladder.js";
import { plural, t } from "../language.js";
import { duration } from "../progress.js";
import { jobsOf, modelOf } from "../selectors.js";
import { Slider } from "./slider.js";

/** @import { Job, Schedule, SearchSettings, Space } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Ladder({ state, store }) {
  const { search } = state;
  const set = (/** @type {Partial<SearchSettings>} */ change) =>
    store.dispatch({ type: "search", search: { ...search, ...change } });
  return h(
    Fragment,
    null,
    h(
      "fieldset",
      { class: "ladder" },
      h("legend", { class: "visually-hidden" }, t("ladder.howFar")),
      SPACES.map((space) => h(RungChoice, { key: space, space, state, onChoose: () => set({ space }) })),
    ),
    search.space !== "start" && h(Pace, { search, set }),
    search.space === "w+" && h(Faithfulness, { name: "faithfulness", search, set }),
  );
}

/** @param {{ space: Space, state: State, onChoose: () => void }} props */
function RungChoice({ space, state, onChoose }) {
  const chosen = state.search.space === space;
  const model = modelOf(state);
  const best = bestOf(state, space);
  return h(
    "label",
    { class: "rung" },
    h("input", {
      type: "radio",
      name: "rung",
      value: space,
      checked: chosen,
      "data-testid": `rung-${space}`,
      onChange: onChoose,
    }),
    h(
      "span",
      null,
      h("strong", null, rungTitle(space)),
      h("small", { class: "rung-cost" }, costOf(state, space)),
      h("small", null, gainOf(space, model)),
      best?.distance != null &&
        h(
          "small",
          { class: "rung-best" },
          t("ladder.best", { distance: best.distance.toPrecision(3) }),
        ),
    ),
  );
}

/** Steps, and the time these took last in this model. @param {State} state @param {Space} space */
function costOf(state, space) {
  const steps = plannedSteps({ ...state.search, space });
  if (!steps) return t("ladder.noSteps");
  const seconds = expectedSeconds(steps, state.jobs, state.document?.model);
  return seconds === null
    ? plural("ladder.steps", steps)
    : plural("ladder.stepsAbout", steps, { time: duration(seconds) });
}

/**
 * The closest result of this rung on the photo's face.
 * @param {State} state
 * @param {Space} space
 * @returns {Job | null}
 */
function bestOf(state, space) {
  const done = jobsOf(state).filter(
    (job) => job.state === "succeeded" && job.space === space && job.distance !== null,
  );
  return done.reduce(
    (/** @type {Job | null} */ best, job) =>
      best && Number(best.distance) <= Number(job.distance) ? best : job,
    null,
  );
}

/** @typedef {{ search: SearchSettings, set: (change: Partial<SearchSettings>) => void }} Setting */

/** @param {Setting} props */
function Pace({ search, set }) {
  return h(
    "div",
    { class: "row" },
    h(
      "select",
      {
        class: "select",
        "aria-label": t("ladder.schedule"),
        "data-testid": "schedule",
        value: search.schedule,
        onChange: (/** @type {{ currentTarget: HTMLSelectElement }} */ event) =>
          set({ schedule: /** @type {Schedule} */ (event.currentTarget.value), steps: null }),
      },
      h("option", { value: "fast" }, t("ladder.fast")),
      h("option", { value: "published" }, t("ladder.published")),
    ),
    h(Steps, { search, set }),
  );
}

/** What is being typed stays in the field until it is complete. @param {Setting} props */
function Steps({ search, set }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  return h(
    "label",
    { class: "field" },
    h("span", null, t("ladder.wSteps")),
    h("input", {
      type: "number",
      inputMode: "numeric",
      "data-testid": "steps",
      min: 1,
      max: MAX_STEPS,
      value: draft ?? search.steps ?? stepsOf(search.schedule),
      onInput: (event) => setDraft(event.currentTarget.value),
      onChange: (event) => {
        const typed = Math.round(event.currentTarget.valueAsNumber);
        setDraft(null);
        set({ steps: Number.isFinite(typed) ? clamp(typed, 1, MAX_STEPS) : null });
      },
      onBlur: () => setDraft(null),
    }),
  );
}

/** @param {Setting & { name: string }} props */
export function Faithfulness({ name, search, set }) {
  const change = (/** @type {number} */ faithfulness) => set({ faithfulness });
  return h(
    "div",
    { class: "faithfulness" },
    h(Slider, {
      name,
      label: t("ladder.faithful"),
      hint: t("ladder.faithfulHint"),
      minimum: 0,
      maximum: 1,
      step: 0.05,
      value: search.faithfulness,
      original: 0.5,
      onChange: change,
      onRelease: () => {},
      onReset: () => change(0.5),
    }),
    h(
      "p",
      { class: "ends", "aria-hidden": "true" },
      h("span", null, t("ladder.editable")),
      h("span", null, t("ladder.likePhoto")),
    ),
  );
}
