// What came of a search: the face beside the photo, its figures, and where to go from there.

import { Fragment, h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { furtherRungs, rungTitle } from "../ladder.js";
import { t } from "../language.js";
import { nextStep, outcome } from "../progress.js";
import { titleOf } from "../selectors.js";
import { Curve, FilmStrip } from "./course.js";
import { Icon } from "./icons.js";
import { Faithfulness } from "./ladder.js";
import { Figures } from "./projection.js";

/** @import { Job, Moment, Rung } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {View & { job: Job }} props */
export function Outcome(props) {
  const { job, state } = props;
  const [moment, setMoment] = useState(/** @type {Moment | null} */ (null));
  const points = state.curves[job.id] ?? [];
  const moments = state.moments[job.id] ?? [];
  return h(
    Fragment,
    null,
    h(
      "div",
      {
        class: job.state === "failed" ? "problem" : "outcome",
        "data-testid": "outcome",
        "data-state": job.state,
      },
      h(
        "p",
        null,
        job.state === "failed" && h("strong", null, `${t("outcome.failed")} `),
        outcome(job),
      ),
      job.state === "failed" && h("p", null, t(nextStep(job))),
      h(OtherModel, props),
    ),
    job.preview_url && h(Wipe, { job, found: moment?.url ?? job.preview_url }),
    job.latent && h(Figures, { job }),
    h(Actions, props),
    h(FilmStrip, { moments, chosen: moment, onChoose: setMoment }),
    points.length > 1 &&
      h("details", { class: "more" }, h("summary", null, t("curve.title")), h(Curve, { points, job })),
  );
}

/** @param {View & { job: Job }} props */
function OtherModel({ job, state }) {
  if (job.model === state.document?.model) return null;
  const listed = state.models.find(({ name }) => name === job.model);
  return h(
    "p",
    { class: "note" },
    t("outcome.otherModel", { model: listed ? titleOf(listed) : job.model }),
  );
}

/**
 * The found face over the photo, as far as the handle is pulled.
 * @param {{ job: Job, found: string }} props
 */
function Wipe({ job, found }) {
  const [part, setPart] = useState(50);
  return h(
    "div",
    { class: "wipe", "data-testid": "wipe", style: { "--part": `${part}%` } },
    h("img", { src: found, alt: t("outcome.foundAlt"), draggable: false }),
    h("img", { class: "wipe-photo", src: job.target_url, alt: t("outcome.photoAlt"), draggable: false }),
    h("span", { class: "wipe-line", "aria-hidden": "true" }),
    h("span", { class: "wipe-name", "aria-hidden": "true" }, t("outcome.photo")),
    h("span", { class: "wipe-name found", "aria-hidden": "true" }, t("outcome.found")),
    h("input", {
      type: "range",
      min: 0,
      max: 100,
      value: part,
      "aria-label": t("outcome.compared"),
      "aria-valuetext": t("outcome.part", { part }),
      "data-testid": "wipe-range",
      onInput: (event) => setPart(event.currentTarget.valueAsNumber),
    }),
  );
}

/** @param {View & { job: Job }} props */
function Actions(props) {
  const { job, state, projecting } = props;
  const [saving, setSaving] = useState(false);
  if (!job.latent) return null;
  const base = state.document?.base;
  const inUse = base?.kind === "latent" && base.latent === job.latent;
  const putBack = async () => {
    setSaving(true);
    await projecting.putBack(job);
    setSaving(false);
  };
  return h(
    Fragment,
    null,
    !inUse &&
      h(
        "button",
        {
          type: "button",
          class: "button primary wide",
          "data-testid": "use-latent",
          onClick: () => projecting.use(job),
        },
        job.state === "succeeded" ? t("outcome.use") : t("outcome.useBest"),
      ),
    h(
      "button",
      {
        type: "button",
        class: "button wide",
        "data-testid": "put-back",
        title: t("outcome.putBackHint"),
        disabled: saving,
        onClick: putBack,
      },
      h(Icon, { name: "download" }),
      saving ? t("outcome.puttingBack") : t("outcome.putBack"),
    ),
    h(Further, props),
  );
}

/** One rung further, from this result. @param {View & { job: Job }} props */
function Further({ job, state, store, projecting }) {
  const [asked, setAsked] = useState(false);
  const rungs = furtherRungs(job);
  const { search } = state;
  const go = async (/** @type {Rung} */ rung) => {
    setAsked(true);
    await projecting.goOn(job, rung);
    setAsked(false);
  };
  return h(
    "div",
    { class: "further" },
    rungs.includes("w+") &&
      h(Faithfulness, {
        name: "further-faithfulness",
        search,
        set: (change) => store.dispatch({ type: "search", search: { ...search, ...change } }),
      }),
    h(
      "div",
      { class: "row grow" },
      rungs.map((rung) =>
        h(
          "button",
          {
            key: rung,
            type: "button",
            class: "button",
            "data-testid": `further-${rung}`,
            disabled: asked || state.connection.phase !== "open",
            onClick: () => go(rung),
          },
          t(rung === job.space ? "outcome.again" : "outcome.onTo", { rung: rungTitle(rung) }),
        ),
      ),
    ),
  );
}
