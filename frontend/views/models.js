// The list of models: which there are, which can be used and why the others cannot.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { formatNumber, t } from "../language.js";
import { isUsable, listedModel, titleOf } from "../selectors.js";
import { IconButton } from "./controls.js";
import { Icon } from "./icons.js";

/** @import { About, AnyModel, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const LOOK_AGAIN_MS = 2000;

/** The button that says which model is in use. @param {View} view */
export function ModelButton({ state, choosing }) {
  const model = listedModel(state);
  const title = model ? titleOf(model) : (state.document?.model ?? t("models.title"));
  return h(
    "button",
    {
      type: "button",
      class: "button model-button",
      "data-testid": "model",
      "aria-haspopup": "dialog",
      "aria-label": t("models.choose", { title }),
      title: model && isUsable(model) ? `${model.description} ${madeOn(model, state.about)}` : title,
      onClick: () => choosing.open(true),
    },
    h("span", null, title),
    h(Icon, { name: "down" }),
  );
}

/** @param {View} view */
export function ModelChooser({ state, choosing }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const { chooser, refreshing, models } = state;
  const unsettled = models.some(({ state }) => state === "preparing" || state === "loading");
  useEffect(() => {
    if (chooser) dialog.current?.showModal();
    else dialog.current?.close();
  }, [chooser]);
  useEffect(() => {
    if (!chooser && !unsettled) return undefined;
    const timer = setInterval(() => void choosing.look(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [chooser, unsettled]);
  return h(
    "dialog",
    {
      ref: dialog,
      class: "chooser",
      "aria-labelledby": "chooser-title",
      "data-testid": "chooser",
      onClose: () => chooser && choosing.open(false),
      onClick: (/** @type {MouseEvent} */ event) => event.target === dialog.current && choosing.open(false),
    },
    h(
      "div",
      { class: "chooser-content" },
      h(
        "header",
        null,
        h("h2", { id: "chooser-title" }, t("models.title")),
        h("div", { class: "spacer" }),
        h(
          "button",
          {
            type: "button",
            class: "button",
            "data-testid": "models-refresh",
            title: t("models.refreshHint"),
            disabled: refreshing,
            onClick: () => void choosing.refresh(),
          },
          h(Icon, { name: "reset" }),
          refreshing ? t("models.looking") : t("models.refresh"),
        ),
        h(IconButton, {
          icon: "close",
          label: t("action.close"),
          testid: "models-close",
          quiet: true,
          onClick: () => choosing.open(false),
        }),
      ),
      models.length === 0 && h("p", { class: "note" }, t("models.empty")),
      h(
        "ul",
        null,
        models.map((model) =>
          h(
            "li",
            { key: model.name, "data-testid": `model-${model.name}`, "data-state": model.state },
            isUsable(model)
              ? h(Choice, {
                  model,
                  chosen: model.name === state.document?.model,
                  onChoose: () => choosing.choose(model.name),
                })
              : h(Unusable, { model }),
          ),
        ),
      ),
      h(
        "p",
        { class: "note" },
        t("models.listed"),
      ),
    ),
  );
}

/** @param {{ model: ModelInfo, chosen: boolean, onChoose: () => void }} props */
function Choice({ model, chosen, onChoose }) {
  const facts = [size(model), model.licence || t("models.licenceUnknown"), model.editable ? "" : t("models.noSliders")];
  return h(
    "button",
    { type: "button", class: "model-row", "aria-pressed": chosen, onClick: onChoose },
    h("span", { class: "model-head" }, h("strong", null, model.title), h(Mark, { model, chosen })),
    h("span", { class: "model-facts" }, facts.filter(Boolean).join(" · ")),
    h("span", { class: "model-text" }, model.description),
    model.changed && h("span", { class: "model-reason" }, changeOf(model)),
  );
}

/** @param {{ model: Exclude<AnyModel, ModelInfo> }} props */
function Unusable({ model }) {
  const preparing = model.state === "preparing";
  return h(
    "div",
    { class: "model-row unusable" },
    h(
      "span",
      { class: "model-head" },
      h("strong", null, model.source),
      preparing
        ? h(Busy, null, t("models.preparing"))
        : h("span", { class: "mark-refused" }, t("models.unavailable")),
    ),
    h("span", { class: "model-facts" }, megabytes(model.size_bytes)),
    preparing
      ? h("span", { class: "model-text" }, t("models.converting"))
      : h("span", { class: "model-reason" }, model.reason),
  );
}

/** @param {{ model: ModelInfo, chosen: boolean }} props */
function Mark({ model, chosen }) {
  if (model.state === "loading") return h(Busy, null, t("models.loading"));
  if (chosen) return h("span", { class: "mark-chosen" }, t("models.inUse"));
  return model.loaded ? h("span", { class: "mark-loaded" }, t("models.inMemory")) : null;
}

/** @param {{ children?: import("../vendor/preact.js").ComponentChildren }} props */
const Busy = ({ children }) =>
  h("span", { class: "mark-busy" }, h("span", { class: "spinner", "aria-hidden": "true" }), children);

/** @param {ModelInfo} model */
const changeOf = (model) =>
  model.reason
    ? t("models.changedAndRefused", { reason: model.reason })
    : t("models.changed");

/** @param {ModelInfo} model */
const size = (model) =>
  t(model.img_channels === 1 ? "models.sizeGrey" : "models.size", { side: String(model.img_resolution) });

/** @param {ModelInfo} model @param {About | null} about */
const madeOn = (model, about) =>
  about ? t("models.sizeOn", { size: size(model), device: about.device }) : size(model);

/** @param {number} bytes */
const megabytes = (bytes) =>
  bytes < 1e6
    ? t("models.lessThanMegabyte")
    : t("models.megabytes", { count: formatNumber(bytes / 1e6, { maximumFractionDigits: 0 }) });
