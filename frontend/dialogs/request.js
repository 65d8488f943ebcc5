// The dialog that makes new faces as they are asked for: attributes and light in, a grid of faces out.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { foundFace } from "../document.js";
import { PRESETS } from "../lamp.js";
import { t, term } from "../language.js";
import { written } from "../readings.js";
import { modelOf, shownOriginals } from "../selectors.js";
import { isUnderWay } from "../tasks.js";
import { Select, Switch } from "../views/controls.js";
import { Dialog, Refused, TaskProgress } from "./dialog.js";
import { randomSeed } from "../views/seed.js";
import { Slider } from "../views/slider.js";

/** @import { AttributeInfo, AttributeValues } from "../messages.js" */
/** @import { Sample, Task } from "../editing_messages.js" */
/** @import { View } from "../views/app.js" */

const COUNT = 8;
const PSI = 0.8;
const PICTURE_SIDE = 128;
/** @returns {[string, string][]} */
const lights = () => [
  ["", t("request.anyLight")],
  ...PRESETS.map(
    ({ name }) => /** @type {[string, string]} */ ([name, t("request.light", { from: t(`lamp.${name}`) })]),
  ),
];

/** @param {View} view */
export function RequestFaces(view) {
  const { state, directing, editor } = view;
  const model = modelOf(state);
  const { tools } = state;
  const task = tools.request?.model === model?.name ? tools.request : null;
  const close = () => directing.open(null);
  if (!model) return null;
  const infos = model.attributes.filter((info) => info.group === "face" && info.shown);
  return h(
    Dialog,
    { title: t("request.title"), testid: "request", onClose: close },
    model.measurable
      ? h(RequestForm, {
          infos,
          middle: shownOriginals(state),
          busy: isUnderWay(task),
          again: task?.samples != null,
          directing,
        })
      : h("p", { class: "note" }, t("request.lacking"), " ", h("code", null, "latentloom train bundle")),
    h(Refused, { refusal: tools.refusal }),
    h(TaskProgress, { task, onCancel: (running) => void directing.cancel(running) }),
    task?.samples &&
      h(Samples, {
        task,
        infos: tools.wished.length ? infos.filter(({ name }) => tools.wished.includes(name)) : infos,
        side: Math.min(PICTURE_SIDE, model.img_resolution),
        onTake: (sample) => {
          editor.change(foundFace(model.name, sample.latent));
          close();
        },
      }),
  );
}

/**
 * @param {{ infos: AttributeInfo[], middle: AttributeValues | null, busy: boolean, again: boolean,
 *   directing: View["directing"] }} props
 */
function RequestForm({ infos, middle, busy, again, directing }) {
  const [asked, setAsked] = useState(/** @type {AttributeValues} */ ({}));
  const [light, setLight] = useState("");
  const [corrected, setCorrected] = useState(false);
  const lamp = PRESETS.find(({ name }) => name === light)?.change;
  const nothing = Object.keys(asked).length === 0 && !lamp;
  const submit = () => {
    const wanted = { attributes: asked, light: lamp ? { ...lamp, brightness: null } : null, corrected };
    void directing.request({ ...wanted, count: COUNT, seed: randomSeed(), psi: PSI });
  };
  return h(
    "div",
    null,
    h("p", { class: "note" }, t("request.note")),
    h(
      "div",
      { class: "wishes" },
      infos.map((info) =>
        h(Wish, {
          key: info.name,
          info,
          start: middle?.[info.name],
          value: asked[info.name],
          onValue: (value) => {
            const { [info.name]: _, ...others } = asked;
            setAsked(value === undefined ? others : { ...others, [info.name]: value });
          },
        }),
      ),
    ),
    h(
      "div",
      { class: "row wrap" },
      h(Select, {
        label: t("section.light"),
        testid: "wish-light",
        value: light,
        options: lights(),
        onChange: setLight,
      }),
      h(Switch, {
        label: t("request.corrected"),
        hint: t("request.correctedHint"),
        testid: "wish-corrected",
        checked: corrected,
        onChange: setCorrected,
      }),
      h(
        "button",
        {
          type: "button",
          class: "button primary",
          "data-testid": "request-start",
          disabled: busy || nothing,
          onClick: submit,
        },
        again ? t("request.again") : t("request.make"),
      ),
    ),
  );
}

/**
 * @param {{ info: AttributeInfo, start: number | undefined, value: number | undefined,
 *   onValue: (value: number | undefined) => void }} props
 */
function Wish({ info, start, value, onValue }) {
  const { name, minimum, maximum } = info;
  const label = term(`attribute.${name}`, info.label);
  const wanted = value !== undefined;
  const first = start ?? (minimum + maximum) / 2;
  return h(
    "div",
    { class: wanted ? "wish on" : "wish" },
    h("input", {
      type: "checkbox",
      "aria-label": t("request.wish", { attribute: label }),
      "data-testid": `wish-${name}`,
      checked: wanted,
      onChange: (event) => onValue(event.currentTarget.checked ? first : undefined),
    }),
    h(Slider, {
      ...info,
      label,
      name: `wish-${name}`,
      value: value ?? first,
      original: undefined,
      changed: false,
      disabled: !wanted,
      onChange: (next) => onValue(next),
      onRelease: () => {},
      onReset: () => onValue(undefined),
    }),
  );
}

/** @param {{ task: Task, infos: AttributeInfo[], side: number, onTake: (sample: Sample) => void }} props */
function Samples({ task, infos, side, onTake }) {
  return h(
    "div",
    { class: "samples", "data-testid": "samples" },
    task.samples?.map((sample, i) =>
      h(
        "button",
        {
          key: sample.latent,
          type: "button",
          class: "sample",
          "aria-label": t("request.take", { number: i + 1 }),
          title: t("request.takeHint"),
          "data-testid": `sample-${i}`,
          onClick: () => onTake(sample),
        },
        h("img", {
          class: "thumbnail",
          src: `${sample.picture_url}?resolution=${side}`,
          alt: "",
          draggable: false,
        }),
        h(
          "dl",
          null,
          infos.map((info) =>
            h(
              "div",
              { key: info.name },
              h("dt", null, term(`attribute.${info.name}`, info.label)),
              h("dd", null, written(sample.reached[info.name], info)),
            ),
          ),
        ),
      ),
    ),
  );
}
