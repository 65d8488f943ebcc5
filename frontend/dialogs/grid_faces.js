// The faces of a grid: walked by keys, chosen, kept; what failed, and more of them.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { stepInGrid } from "../grid.js";
import { plural, t } from "../language.js";
import { Icon } from "../views/icons.js";

/** @import { LoomDocument } from "../messages.js" */
/** @import { Tiles, Wanted } from "../tiles.js" */

/**
 * One stop of the Tab key; arrow keys walk, Enter chooses, S adds to the gallery.
 * @param {{ wanted: Wanted[], tiles: Tiles, seeds: number[],
 *   onChoose: (document: LoomDocument) => void, onKeep: (document: LoomDocument) => Promise<boolean> }} props
 */
export function Faces({ wanted, tiles, seeds, onChoose, onKeep }) {
  const grid = useRef(/** @type {HTMLElement | null} */ (null));
  const [at, setAt] = useState(0);
  const [kept, setKept] = useState(/** @type {Set<string>} */ (new Set()));
  /** @param {Wanted} face */
  const star = async ({ key, document }) => {
    if (!kept.has(key) && (await onKeep(document))) setKept((before) => new Set(before).add(key));
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() === "s" && wanted[at]) return void star(wanted[at]);
    const cells = /** @type {HTMLElement[]} */ ([...(grid.current?.querySelectorAll(".grid-face") ?? [])]);
    const columns = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const to = stepInGrid(event.key, at, { count: cells.length, columns });
    if (to === null) return;
    event.preventDefault();
    setAt(to);
    cells[to].focus();
  };
  return h(
    "ul",
    { class: "face-grid", ref: grid, "data-testid": "face-grid", onKeyDown: onKey },
    wanted.map((each, index) => {
      const { url, problem } = tiles.get(each.key);
      return h(
        "li",
        { key: each.key },
        h(
          "button",
          {
            type: "button",
            class: "grid-face",
            tabIndex: index === at ? 0 : -1,
            "aria-label": t("grid.take", { seed: String(seeds[index]) }),
            title: t("seed.of", { seed: String(seeds[index]) }),
            "data-testid": `grid-face-${index}`,
            "data-state": url ? "there" : problem ? "failed" : "coming",
            onFocus: () => setAt(index),
            onClick: () => onChoose(each.document),
          },
          url
            ? h("img", { class: "thumbnail", src: url, alt: "", draggable: false })
            : h(
                "span",
                { class: problem ? "thumbnail missing" : "thumbnail" },
                problem && t("thumbnail.none"),
              ),
        ),
        h(KeepButton, { kept: kept.has(each.key), index, onKeep: () => void star(each) }),
      );
    }),
  );
}

/** @param {{ kept: boolean, index: number, onKeep: () => void }} props */
function KeepButton({ kept, index, onKeep }) {
  const label = kept ? t("grid.kept") : t("grid.keep");
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      tabIndex: -1,
      "aria-label": label,
      title: label,
      "data-testid": `grid-keep-${index}`,
      "data-kept": kept ? "yes" : "no",
      onClick: onKeep,
    },
    h(Icon, { name: kept ? "done" : "star" }),
  );
}

/** Why pictures are missing, said once. @param {{ wanted: Wanted[], tiles: Tiles }} props */
export function Failures({ wanted, tiles }) {
  const problems = wanted.map(({ key }) => tiles.get(key).problem).filter(Boolean);
  if (problems.length === 0) return null;
  return h(
    "div",
    { class: "problem", role: "alert", "data-testid": "grid-problem" },
    h("strong", null, plural("grid.failed", problems.length)),
    h("p", null, problems[0]),
    h(
      "button",
      { type: "button", class: "button", "data-testid": "grid-retry", onClick: () => tiles.retry() },
      t("grid.retry"),
    ),
  );
}

/** More of them, by the button or by scrolling to it. @param {{ ready: boolean, onMore: () => void }} props */
export function More({ ready, onMore }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    if (!button.current || !ready) return undefined;
    const seen = new IntersectionObserver(([entry]) => entry.isIntersecting && onMore());
    seen.observe(button.current);
    return () => seen.disconnect();
  });
  return h(
    "button",
    {
      ref: button,
      type: "button",
      class: "button grid-more",
      "data-testid": "grid-more",
      disabled: !ready,
      onClick: onMore,
    },
    ready ? t("grid.more") : t("grid.coming"),
  );
}
