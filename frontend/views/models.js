// The list of models: which there are, which can be used and why the others cannot.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { isUsable, listedModel, titleOf } from "../selectors.js";
import { IconButton } from "./controls.js";
import { Icon } from "./icons.js";

/** @import { AnyModel, ModelInfo } from "../messages.js" */
/** @import { View } from "./app.js" */

const LOOK_AGAIN_MS = 2000;

/** The button that says which model is in use. @param {View} view */
export function ModelButton({ state, choosing }) {
  const model = listedModel(state);
  const title = model ? titleOf(model) : (state.document?.model ?? "Models");
  return h(
    "button",
    {
      type: "button",
      class: "button model-button",
      "data-testid": "model",
      "aria-haspopup": "dialog",
      "aria-label": `Model: ${title}. Choose another`,
      title: model && isUsable(model) ? `${model.description} ${size(model)}, on ${state.about?.device}` : title,
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
      // the shortcuts of the page behind are not meant here
      onKeyDown: (/** @type {KeyboardEvent} */ event) => event.stopPropagation(),
    },
    h(
      "div",
      { class: "chooser-content" },
      h(
        "header",
        null,
        h("h2", { id: "chooser-title" }, "Models"),
        h("div", { class: "spacer" }),
        h(
          "button",
          {
            type: "button",
            class: "button",
            "data-testid": "models-refresh",
            title: "Look again at every file, and load those anew that were replaced",
            disabled: refreshing,
            onClick: () => void choosing.refresh(),
          },
          h(Icon, { name: "reset" }),
          refreshing ? "Looking…" : "Refresh",
        ),
        h(IconButton, {
          icon: "close",
          label: "Close",
          testid: "models-close",
          quiet: true,
          onClick: () => choosing.open(false),
        }),
      ),
      models.length === 0 && h("p", { class: "note" }, "The checkpoints folder holds no model yet."),
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
        "Bundles and checkpoint files in the server’s checkpoints folder are listed here by themselves.",
      ),
    ),
  );
}

/** @param {{ model: ModelInfo, chosen: boolean, onChoose: () => void }} props */
function Choice({ model, chosen, onChoose }) {
  const facts = [size(model), model.licence || "licence unknown", model.editable ? "" : "no sliders"];
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
        ? h("span", { class: "mark-busy" }, h("span", { class: "spinner", "aria-hidden": "true" }), "Preparing…")
        : h("span", { class: "mark-refused" }, "Unavailable"),
    ),
    h("span", { class: "model-facts" }, megabytes(model.size_bytes)),
    preparing
      ? h("span", { class: "model-text" }, "It is being converted, once, and can then be used.")
      : h("span", { class: "model-reason" }, model.reason),
  );
}

/** @param {{ model: ModelInfo, chosen: boolean }} props */
function Mark({ model, chosen }) {
  if (model.state === "loading")
    return h("span", { class: "mark-busy" }, h("span", { class: "spinner", "aria-hidden": "true" }), "Loading…");
  if (chosen) return h("span", { class: "mark-chosen" }, "In use");
  return model.loaded ? h("span", { class: "mark-loaded" }, "In memory") : null;
}

/** @param {ModelInfo} model */
const changeOf = (model) =>
  model.reason
    ? `Its file has changed and cannot be used: ${model.reason}`
    : "Its file has changed. Refresh to use the new one.";

/** @param {ModelInfo} model */
const size = (model) =>
  `${model.img_resolution} × ${model.img_resolution}${model.img_channels === 1 ? ", grey" : ""}`;

/** @param {number} bytes */
const megabytes = (bytes) => (bytes < 1e6 ? "less than 1 MB" : `${(bytes / 1e6).toFixed(0)} MB`);
