// Buttons that are used everywhere on the page.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { Icon } from "./icons.js";

/** @typedef {Parameters<typeof Icon>[0]["name"]} IconName */

/**
 * @param {{ icon: IconName, label: string, testid: string, onClick: () => void, disabled?: boolean,
 *   keys?: string, quiet?: boolean }} props
 */
export function IconButton({ icon, label, testid, onClick, disabled = false, keys = "", quiet = false }) {
  return h(
    "button",
    {
      type: "button",
      class: quiet ? "icon-button quiet" : "icon-button",
      "aria-label": label,
      title: keys ? `${label} (${keys})` : label,
      "data-testid": testid,
      disabled,
      onClick,
    },
    h(Icon, { name: icon }),
  );
}

/**
 * @param {{ label: string, testid: string, checked: boolean, hint?: string,
 *   disabled?: boolean, onChange: (on: boolean) => void }} props
 */
export function Switch({ label, testid, checked, hint, disabled = false, onChange }) {
  return h(
    "label",
    { class: "switch", title: hint },
    h("span", null, label),
    h("input", {
      type: "checkbox",
      role: "switch",
      "data-testid": testid,
      checked,
      disabled,
      onChange: (event) => onChange(event.currentTarget.checked),
    }),
  );
}

/** One of the options of a Select. @param {string} value @param {string} shown @returns {[string, string]} */
export const option = (value, shown) => [value, shown];

/**
 * One of a few.
 * @param {{ label: string, testid: string, value: string, options: [value: string, shown: string][],
 *   onChange: (value: string) => void, class?: string }} props
 */
export function Select({ label, testid, value, options, onChange, class: name = "select" }) {
  return h(
    "select",
    {
      class: name,
      "aria-label": label,
      "data-testid": testid,
      value,
      onChange: (/** @type {{ currentTarget: HTMLSelectElement }} */ event) =>
        onChange(event.currentTarget.value),
    },
    options.map(([each, shown]) => h("option", { key: each, value: each }, shown)),
  );
}

/**
 * A text that is taken when it is complete: on Enter, or when the field is left. What is being typed stays,
 * whatever arrives meanwhile.
 * @param {{ label: string, testid: string, value: string, placeholder?: string, maxLength: number,
 *   class?: string, tabIndex?: number, onChange: (typed: string) => Promise<unknown> }} props
 *   onChange: until it is through, the typed text is shown
 */
export function TextField({ onChange, label, testid, value, ...how }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  return h("input", {
    ...how,
    type: "text",
    "aria-label": label,
    "data-testid": testid,
    value: draft ?? value,
    onInput: (event) => setDraft(event.currentTarget.value),
    onChange: async (event) => {
      const typed = event.currentTarget.value;
      await onChange(typed.trim());
      setDraft((newer) => (newer === typed ? null : newer));
    },
  });
}

/**
 * Acts for as long as it is held, by pointer or by key.
 * @param {{ label: string, testid: string, onHold: (held: boolean) => void, disabled?: boolean, title?:
 *   string, class?: string, children?: import("../vendor/preact.js").ComponentChildren }} props
 */
export function HoldButton({
  label,
  testid,
  onHold,
  disabled = false,
  title = label,
  class: name = "button",
  children,
}) {
  const held = useRef(false);
  /** @param {boolean} on */
  const set = (on) => {
    if (held.current === on) return;
    held.current = on;
    onHold(on);
  };
  const latest = useRef(set);
  latest.current = set;
  useEffect(() => {
    const letGo = () => latest.current(false);
    const ends = ["pointerup", "pointercancel", "keyup", "blur"];
    for (const type of ends) addEventListener(type, letGo);
    return () => {
      for (const type of ends) removeEventListener(type, letGo);
      letGo(); // a button that goes while it is held is let go
    };
  }, []);
  const isPress = (/** @type {KeyboardEvent} */ event) => event.key === " " || event.key === "Enter";
  return h(
    "button",
    {
      type: "button",
      class: name,
      "aria-label": label,
      title,
      "data-testid": testid,
      disabled,
      onPointerDown: () => set(true),
      onKeyDown: (event) => isPress(event) && (event.preventDefault(), set(true)),
      onBlur: () => set(false),
      onContextMenu: (event) => event.preventDefault(),
    },
    children,
  );
}
