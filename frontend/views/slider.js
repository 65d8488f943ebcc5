// One value on a slider, with a number field, a tick where it came from, and a way back there.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { clamp, snap } from "../document.js";
import { t } from "../language.js";
import { Icon } from "./icons.js";

/** A pointer this close to the original, as a part of the range, lands on it. */
const MAGNET = 0.015;

/**
 * @typedef {object} SliderProps
 * @property {string} name for data-testid: slider-name, number-name, reset-name
 * @property {string} label
 * @property {number} minimum
 * @property {number} maximum
 * @property {number} step
 * @property {string} [unit]
 * @property {string} [testid] of the range input, if not slider-name
 * @property {string} [hint] shown when pointed at
 * @property {number | undefined} value undefined: not known yet
 * @property {number | undefined} original where the tick is
 * @property {boolean} [changed] an edit stands here, even if it shows the original's number
 * @property {boolean} [disabled]
 * @property {number} [reached] what the picture of the edit has: a mark
 * @property {Lock} [lock] in place of the way back where nothing was changed
 * @property {import("../vendor/preact.js").ComponentChildren} [note] below the slider
 * @property {(value: number, held: boolean) => void} onChange
 * @property {() => void} onRelease
 * @property {() => void} onReset
 */

/** @typedef {{ locked: boolean, onLock: (locked: boolean) => void }} Lock */

/** @param {SliderProps} props */
export function Slider(props) {
  const { name, label, minimum, maximum, step, unit = "", hint, value, original, reached } = props;
  const held = useRef(false);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const letGo = () => {
      if (!held.current) return;
      held.current = false;
      latest.current.onRelease();
    };
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, letGo);
    return () => {
      for (const type of ["pointerup", "pointercancel"]) removeEventListener(type, letGo);
      letGo(); // a slider that goes while it is held is let go
    };
  }, []);

  const known = value !== undefined;
  const shown = clamp(value ?? (minimum + maximum) / 2, minimum, maximum);
  const changed = props.changed ?? (known && original !== undefined && shown !== snap(original, props));
  const disabled = props.disabled || !known;
  /** @param {number} raw */
  const pulled = (raw) => {
    const near =
      held.current && original !== undefined && Math.abs(raw - original) < MAGNET * (maximum - minimum);
    return near ? snap(original, props) : raw;
  };
  const part = (/** @type {number} */ at) => (clamp(at, minimum, maximum) - minimum) / (maximum - minimum);
  const from = part(known ? (original ?? minimum) : shown);
  const to = part(shown);
  return h(
    "div",
    { class: changed ? "slider changed" : "slider", title: hint },
    h("label", { for: `slider-${name}`, class: "slider-label" }, label),
    h(
      "div",
      { class: "range", style: { "--from": `${Math.min(from, to)}`, "--to": `${Math.max(from, to)}` } },
      h("div", { class: "range-track" }, h("div", { class: "range-fill" })),
      original !== undefined && known && h("div", { class: "range-tick", style: { "--at": `${from}` } }),
      changed &&
        reached !== undefined &&
        h("div", { class: "range-reached", style: { "--at": `${part(reached)}` } }),
      h("input", {
        id: `slider-${name}`,
        type: "range",
        "data-testid": props.testid ?? `slider-${name}`,
        min: minimum,
        max: maximum,
        step,
        value: shown,
        disabled,
        "aria-valuetext": known ? spoken(format(shown, step), unit) : t("slider.unknown"),
        onPointerDown: () => (held.current = true),
        onInput: (event) => props.onChange(pulled(event.currentTarget.valueAsNumber), held.current),
        onKeyDown: (event) => {
          const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
          if (!event.shiftKey || !direction) return;
          event.preventDefault();
          props.onChange(snap(shown + direction * 10 * step, props), false);
        },
        onDblClick: props.onReset,
      }),
    ),
    h(NumberField, { ...props, value: known ? shown : undefined, disabled, unit }),
    !changed && props.lock
      ? h(LockButton, { name, label, ...props.lock })
      : h(ResetButton, { ...props, changed, disabled }),
    props.note,
  );
}

/** @param {Pick<SliderProps, "name" | "label" | "changed" | "disabled" | "onReset">} props */
export function ResetButton({ name, label, changed, disabled, onReset }) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button quiet small",
      "aria-label": t("slider.reset", { label: label.toLowerCase() }),
      title: t("slider.resetHint"),
      "data-testid": `reset-${name}`,
      disabled: !changed || disabled,
      onClick: onReset,
    },
    h(Icon, { name: "reset" }),
  );
}

/** @param {{ name: string, label: string } & Lock} props */
function LockButton({ name, label, locked, onLock }) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button quiet small lock",
      "aria-label": t("slider.hold", { label: label.toLowerCase() }),
      "aria-pressed": locked,
      title: locked ? t("slider.held") : t("slider.holdThis"),
      "data-testid": `lock-${name}`,
      onClick: () => onLock(!locked),
    },
    h(Icon, { name: locked ? "locked" : "unlocked" }),
  );
}

/**
 * Takes a typed value when it is complete: on Enter, or when the field is left.
 * @param {Omit<SliderProps, "original" | "onRelease" | "onReset">} props
 */
export function NumberField({ name, label, minimum, maximum, step, unit, value, disabled, onChange }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  const text = value === undefined ? "" : format(value, step);
  return h(
    "span",
    { class: "number" },
    h("input", {
      type: "number",
      "aria-label": t("slider.value", { label }),
      "data-testid": `number-${name}`,
      inputMode: "decimal",
      min: minimum,
      max: maximum,
      step: "any",
      placeholder: "–",
      value: draft ?? text,
      disabled,
      onInput: (event) => setDraft(event.currentTarget.value),
      onChange: (event) => {
        const typed = event.currentTarget.valueAsNumber;
        setDraft(null);
        if (Number.isFinite(typed)) onChange(snap(typed, { minimum, maximum, step }), false);
        else event.currentTarget.value = text;
      },
      onBlur: () => setDraft(null),
    }),
    h("span", { class: "unit", "aria-hidden": "true" }, unit === "years" ? t("unit.yearsShort") : unit),
  );
}

/** @param {string} number @param {string} unit */
const spoken = (number, unit) =>
  unit === "years" ? t("unit.years", { number }) : unit ? `${number} ${unit}` : number;

/** With as many decimals as the step has. @param {number} value @param {number} step */
function format(value, step) {
  const decimals = (String(step).split(".")[1] ?? "").length;
  return (Object.is(value, -0) ? 0 : value).toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1");
}
