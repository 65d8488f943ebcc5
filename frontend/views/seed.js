// A seed: the field to read and type it, copying it, and holding the face that it makes.

import { h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { MAX_SEED } from "../document.js";
import { t } from "../language.js";
import { Icon } from "./icons.js";

/** @import { Base } from "../messages.js" */

export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] & MAX_SEED;

/** What a face is called that is known by where it comes from. @param {Base} base */
export const faceTitle = (base) =>
  base.kind === "seed" ? t("seed.of", { seed: String(base.seed) }) : t("seed.found");

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
      placeholder: disabled ? "–" : t("seed.none"),
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

const SAID_FOR_MS = 2000;

/**
 * Puts a seed on the clipboard, and says whether that worked: over plain http browsers do not allow it.
 * @param {{ seed: number | null }} props
 */
export function CopySeed({ seed }) {
  const [said, setSaid] = useState(/** @type {"" | "copied" | "refused"} */ (""));
  const timer = useRef(0);
  const copy = async () => {
    let outcome = /** @type {"copied" | "refused"} */ ("copied");
    try {
      await navigator.clipboard.writeText(String(seed));
    } catch {
      outcome = "refused";
    }
    setSaid(outcome);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setSaid(""), SAID_FOR_MS);
  };
  return h(
    "span",
    { class: "copy" },
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("seed.copy"),
        title: t("seed.copy"),
        "data-testid": "seed-copy",
        disabled: seed === null,
        onClick: copy,
      },
      h(Icon, { name: said === "copied" ? "done" : "copy" }),
    ),
    h(
      "span",
      { class: said === "refused" ? "copy-said" : "visually-hidden", role: "status" },
      said && t(`seed.${said}`),
    ),
  );
}

/** @param {{ locked: boolean, disabled: boolean, onLock: (locked: boolean) => void }} props */
export function SeedLock({ locked, disabled, onLock }) {
  const hint = locked ? t("seed.locked") : t("seed.lock");
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": t("seed.lock"),
      "aria-pressed": locked,
      title: hint,
      "data-testid": "seed-lock",
      disabled,
      onClick: () => onLock(!locked),
    },
    h(Icon, { name: locked ? "locked" : "unlocked" }),
  );
}
