// What is said over the picture: that it is being made, why it takes its time, or why there is none.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { spoken } from "../kept_text.js";
import { t } from "../language.js";
import { headline } from "../progress.js";
import { loadingModel, modelOf, modelProblem, runningJob } from "../selectors.js";
import { Icon } from "./icons.js";

/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

/** After this long a picture that is not there yet is explained. */
const LONG_MS = 2500;

/** @param {View} view */
export function Overlay(view) {
  const { state } = view;
  if (state.picture === "loading") {
    const model = loadingModel(state);
    const waiting = model ? t("stage.loading", { model: model.title }) : t("stage.first");
    return h(
      "div",
      { class: "veil" },
      h("span", { role: "status" }, state.connection.phase === "lost" ? t("stage.none") : waiting),
      state.connection.phase === "open" && !model && h(Waiting, { state }),
    );
  }
  if (state.picture === "failed" && state.connection.phase === "open") return h(Failed, view);
  return h(
    "div",
    { class: "overlay" },
    state.picture === "busy" &&
      h("div", { class: "busy", role: "status", "aria-label": t("stage.rendering") }),
    h(Badge, { state }),
    state.picture === "busy" &&
      state.connection.phase === "open" &&
      !loadingModel(state) &&
      h(Waiting, { state }),
  );
}

/** Why a picture takes its time, once it does. @param {{ state: State }} props */
function Waiting({ state }) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!long) return null;
  const { queuedMs, renderMs } = state.meter;
  const cause = runningJob(state) ? "ownSearch" : queuedMs > renderMs ? "others" : "slow";
  return h("p", { class: "waiting", role: "status", "data-testid": "waiting" }, t(`stage.wait.${cause}`));
}

/** @param {View} view */
function Failed({ state, choosing }) {
  const { pictureProblem, meter } = state;
  const lacksModel = state.about !== null && modelOf(state) === null;
  return h(
    "div",
    { class: "failed", role: "status", "data-testid": "picture-failed" },
    h(Icon, { name: "warning" }),
    h(
      "p",
      null,
      h("strong", null, t("stage.failed")),
      meter.size > 0 && ` ${t("stage.lastOne")}`,
      ` ${modelProblem(state) || spoken(pictureProblem)}`,
    ),
    h(
      "button",
      { type: "button", class: "button", "data-testid": "retry", onClick: () => void choosing.retry() },
      t("stage.retry"),
    ),
    lacksModel &&
      h(
        "button",
        {
          type: "button",
          class: "button primary",
          "data-testid": "choose-model",
          onClick: () => choosing.open(true),
        },
        t("stage.chooseModel"),
      ),
  );
}

/** @param {{ state: State }} props */
function Badge({ state }) {
  const job = runningJob(state);
  const model = loadingModel(state);
  if (state.mixing.trying) return h("span", { class: "badge" }, t("mix.trying"));
  if (state.comparing)
    return h(
      "span",
      { class: "badge" },
      state.comparing === "photo" ? t("stage.photo") : t("compare.before"),
    );
  if (state.connection.phase !== "open") return h("span", { class: "badge" }, t("stage.offline"));
  if (model)
    return h(
      "span",
      { class: "badge live", role: "status", "data-testid": "loading" },
      t("stage.loading", { model: model.title }),
    );
  if (state.view !== "projection" || !job) return null;
  return h("span", { class: "badge live" }, headline(job));
}
