// The row below the picture: how large it is shown, and how it is compared.

import { h } from "../vendor/preact.js";
import { useEffect, useReducer, useRef } from "../vendor/hooks.js";
import { canCompare } from "../comparing.js";
import { describeStep } from "../history_words.js";
import { parentOf } from "../history.js";
import { formatNumber, t } from "../language.js";
import { useShortcut } from "../shortcuts.js";
import { percentOf } from "../viewport.js";
import { Icon } from "./icons.js";

/** @import { Zooming } from "../zooming.js" */
/** @import { Screen } from "../screen.js" */
/** @import { View } from "./app.js" */

/** @param {{ zooming: Zooming, screen: Screen }} props */
export function ZoomTools({ zooming, screen }) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => screen.watch(() => redraw(undefined)), []);
  const nearer = useRef(() => zooming.step(1));
  const farther = useRef(() => zooming.step(-1));
  const fit = useRef(() => zooming.fit());
  useShortcut({ keys: "+", message: "key.zoomIn" }, nearer);
  useShortcut({ keys: "=", message: "key.zoomIn" }, nearer);
  useShortcut({ keys: "-", message: "key.zoomOut" }, farther);
  useShortcut({ keys: "0", message: "key.zoomFit" }, fit);
  const percent = percentOf(screen.viewport, screen.sizes);
  const button = (
    /** @type {string} */ id,
    /** @type {string} */ label,
    /** @type {() => void} */ onClick,
    on = false,
  ) =>
    h(
      "button",
      {
        type: "button",
        class: "tool",
        "aria-label": label,
        title: label,
        "aria-pressed": on,
        "data-testid": `zoom-${id}`,
        onClick,
      },
      { out: "−", in: "+", fit: t("zoom.fitShort") }[id] ?? `${id} %`,
    );
  const stands = (/** @type {number} */ at) => !screen.viewport.fits && Math.round(percent) === at;
  return h(
    "div",
    { class: "tools", role: "group", "aria-label": t("zoom.title") },
    button("out", t("zoom.out"), farther.current),
    h("output", { class: "percent", "data-testid": "zoom" }, `${formatNumber(Math.round(percent))} %`),
    button("in", t("zoom.in"), nearer.current),
    button("fit", t("zoom.fit"), fit.current, screen.viewport.fits),
    button("100", t("zoom.to", { percent: 100 }), () => zooming.percent(100), stands(100)),
    button("200", t("zoom.to", { percent: 200 }), () => zooming.percent(200), stands(200)),
  );
}

const MODES = /** @type {const} */ (["wipe", "beside"]);

/** @param {View} view */
export function CompareTools({ state, store }) {
  const { comparison, history, models } = state;
  const node = comparison.node === null ? null : (history.nodes[comparison.node] ?? null);
  const parent = node && parentOf(history, node.id);
  const words = node && (node.name || describeStep(parent && parent.document, node.document, models));
  return h(
    "div",
    { class: "tools", role: "group", "aria-label": t("compare.title") },
    MODES.map((mode) =>
      h(
        "button",
        {
          key: mode,
          type: "button",
          class: "tool",
          "aria-pressed": comparison.mode === mode,
          title: t(`compare.${mode}About`),
          "data-testid": `compare-${mode}`,
          disabled: !canCompare(state),
          onClick: () =>
            store.dispatch({
              type: "comparison",
              change: { mode: comparison.mode === mode ? "off" : mode },
            }),
        },
        t(`compare.${mode}`),
      ),
    ),
    words !== null &&
      h(
        "button",
        {
          type: "button",
          class: "tool with",
          title: t("compare.forget"),
          "aria-label": t("compare.forgetStep", { step: words }),
          "data-testid": "compare-forget",
          onClick: () => store.dispatch({ type: "comparison", change: { node: null } }),
        },
        h("span", null, words),
        h(Icon, { name: "close" }),
      ),
  );
}

/** The line between before and now: by hand, or by the arrow keys. @param {{ screen: Screen }} props */
export function Wipe({ screen }) {
  const handle = useRef(/** @type {HTMLElement | null} */ (null));
  const share = useRef(0.5);
  const set = (/** @type {number} */ to) => {
    share.current = Math.min(1, Math.max(0, to));
    screen.wipe = share.current;
    if (!handle.current) return;
    handle.current.style.left = `${100 * share.current}%`;
    handle.current.setAttribute("aria-valuenow", String(Math.round(100 * share.current)));
  };
  useEffect(() => {
    set(0.5);
    return () => void (screen.wipe = 0);
  }, []);
  const drag = (/** @type {PointerEvent} */ event) => {
    const frame = handle.current?.parentElement?.getBoundingClientRect();
    if (frame && handle.current?.hasPointerCapture(event.pointerId))
      set((event.clientX - frame.left) / frame.width);
  };
  const steps = /** @type {Record<string, number>} */ ({
    ArrowLeft: -0.02,
    ArrowRight: 0.02,
    Home: -1,
    End: 1,
  });
  return h("div", {
    class: "divider",
    ref: handle,
    role: "slider",
    tabIndex: 0,
    "aria-label": t("compare.wipeShare"),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "data-testid": "wipe",
    onPointerDown: (/** @type {PointerEvent} */ event) => handle.current?.setPointerCapture(event.pointerId),
    onPointerMove: drag,
    onKeyDown: (/** @type {KeyboardEvent} */ event) => {
      const by = steps[event.key];
      if (by === undefined) return;
      event.preventDefault();
      set(share.current + (event.shiftKey ? 5 * by : by));
    },
  });
}
