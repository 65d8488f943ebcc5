// A map of latents: small pictures say what is where, and a hand takes the face to any place on it.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { latentMap } from "../explore_api.js";
import { formatNumber, t } from "../language.js";
import { withAxes } from "../latent_map.js";
import { modelOf } from "../selectors.js";
import { Select } from "./controls.js";
import { Plane } from "./map_plane.js";

/** @import { LatentMap as Axes } from "../explore_messages.js" */
/** @import { Ground } from "../latent_map.js" */
/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function LatentMap(view) {
  const { state } = view;
  const model = modelOf(state);
  return model && state.document && h(MapOf, { key: model.name, view, model, document: state.document });
}

/** @param {{ view: View, model: ModelInfo, document: LoomDocument }} props */
function MapOf({ view, model, document }) {
  const [numbers, setNumbers] = useState({ across: 1, up: 2 });
  const [ground, setGround] = useState(/** @type {Ground} */ ("face"));
  const { axes, problem, retry } = useAxes(view, model, numbers);
  return h(
    "div",
    { class: "map-panel" },
    h(
      "div",
      { class: "row" },
      h(Select, {
        label: t("map.ground"),
        testid: "map-ground",
        value: ground,
        options: [
          ["face", t("map.face")],
          ["average", t("map.average")],
        ],
        onChange: (chosen) => setGround(chosen === "average" ? "average" : "face"),
      }),
    ),
    problem &&
      h(
        "div",
        { class: "problem", role: "alert", "data-testid": "map-problem" },
        h("p", null, problem),
        h("button", { type: "button", class: "button", onClick: retry }, t("grid.retry")),
      ),
    axes
      ? h(Plane, { view, model, document, axes, ground })
      : !problem &&
          h(
            "p",
            { class: "note map-waiting", role: "status" },
            h("span", { class: "spinner" }),
            t("map.coming"),
          ),
    axes && h(AxisChoice, { axes, numbers, onNumbers: setNumbers }),
  );
}

/**
 * The map's axes, which are directions of the model: its sliders show them, too.
 * @param {View} view
 * @param {ModelInfo} model
 * @param {{ across: number, up: number }} numbers
 */
function useAxes({ state, store }, model, numbers) {
  const [axes, setAxes] = useState(/** @type {Axes | null} */ (null));
  const [problem, setProblem] = useState("");
  const [attempt, setAttempt] = useState(0);
  const saved = state.tools.directions?.model === model.name ? state.tools.directions.saved : null;
  const known = (/** @type {Axes} */ { across, up }) =>
    [across, up].every(({ id }) => saved?.some((each) => each.id === id));
  const lost = axes !== null && saved !== null && !known(axes);
  useEffect(() => {
    let wanted = true;
    latentMap(model.name, numbers).then(
      (found) => {
        if (!wanted) return;
        setProblem("");
        setAxes(found);
        const { directions } = store.get().tools;
        store.dispatch({ type: "tools", change: { directions: withAxes(directions, model.name, found) } });
      },
      (error) => wanted && setProblem(error.message),
    );
    return () => void (wanted = false);
  }, [numbers.across, numbers.up, lost, attempt]);
  const retry = () => {
    setProblem("");
    setAttempt(attempt + 1);
  };
  return { axes, problem, retry };
}

/**
 * @param {{ axes: Axes, numbers: { across: number, up: number },
 *   onNumbers: (numbers: { across: number, up: number }) => void }} props
 */
function AxisChoice({ axes, numbers, onNumbers }) {
  /** @param {"across" | "up"} which */
  const choice = (which) => {
    const other = which === "across" ? "up" : "across";
    const all = Array.from({ length: axes.count }, (_, index) => index + 1);
    return h(Select, {
      label: t(`map.${which}`),
      testid: `map-${which}`,
      value: String(numbers[which]),
      options: all
        .filter((number) => number !== numbers[other])
        .map(
          (number) => /** @type {[string, string]} */ ([String(number), t(`map.${which}Axis`, { number })]),
        ),
      onChange: (number) => onNumbers({ ...numbers, [which]: Number(number) }),
    });
  };
  const share = 100 * ((axes.across.explained ?? 0) + (axes.up.explained ?? 0));
  return [
    h("div", { class: "row", key: "choices" }, choice("across"), choice("up")),
    h(
      "p",
      { class: "note", key: "share" },
      t("map.share", { share: formatNumber(share, { maximumFractionDigits: 0 }) }),
    ),
  ];
}
