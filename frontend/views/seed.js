// A seed: the field to read and type it, and the dice.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { MAX_SEED } from "../document.js";

export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] & MAX_SEED;

/**
 * Keeps what is being typed, whatever arrives meanwhile, until Enter or until the field is left.
 * @param {{ testid: string, label: string, seed: number | null, disabled: boolean, onSeed: (seed: number)
 *   => void }} props
 * seed null: the face does not come from one
 */
export function SeedField({ testid, label, seed, disabled, onSeed }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  return h(
    "label",
    { class: "field" },
    h("span", null, label),
    h("input", {
      type: "number",
      inputMode: "numeric",
      min: 0,
      max: MAX_SEED,
      step: 1,
      "data-testid": testid,
      placeholder: disabled ? "–" : "no seed",
      value: draft ?? seed ?? "",
      disabled,
      onInput: (event) => setDraft(event.currentTarget.value),
      onChange: (event) => {
        const typed = event.currentTarget.valueAsNumber;
        setDraft(null);
        if (Number.isFinite(typed) && typed >= 0 && typed <= MAX_SEED) onSeed(Math.trunc(typed));
        else event.currentTarget.value = String(seed ?? "");
      },
      onBlur: () => setDraft(null),
    }),
  );
}
