// A seed: the field to read and type it, and the dice.

import { h } from "../vendor/preact.js";
import { MAX_SEED } from "../document.js";

export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] & MAX_SEED;

/**
 * @param {{ testid: string, label: string, seed: number | null, disabled: boolean, onSeed: (seed: number)
 *   => void }} props
 * seed null: the face does not come from one
 */
export function SeedField({ testid, label, seed, disabled, onSeed }) {
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
      placeholder: disabled ? "–" : "from a photo",
      value: seed ?? "",
      disabled,
      onChange: (event) => {
        const typed = event.currentTarget.valueAsNumber;
        if (Number.isFinite(typed) && typed >= 0 && typed <= MAX_SEED) onSeed(Math.trunc(typed));
        else event.currentTarget.value = String(seed ?? "");
      },
    }),
  );
}
