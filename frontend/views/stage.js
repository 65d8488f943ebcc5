// The picture, what is happening to it, and the ways to compare it.

import { h } from "../vendor/preact.js";
import { useEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
import { canCompare } from "../comparing.js";
import { editCount } from "../edits.js";
import { formatList, plural, t, term } from "../language.js";
import { jobOfBase, modelOf, runningJob } from "../selectors.js";
import { Zooming } from "../zooming.js";
import { HoldButton } from "./controls.js";
import { Icon } from "./icons.js";
import { Overlay } from "./overlay.js";
import { CompareTools, Wipe, ZoomTools } from "./zoom.js";

/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Stage(view) {
  const { state, screen } = view;
  const [tools, setTools] = useState(false);
  const zooming = useMemo(() => new Zooming(screen), []);
  screen.pixels = modelOf(state)?.img_resolution ?? 1;
  const stage = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => (stage.current ? tellHeight(stage.current) : undefined), []);
  return h(
    "section",
    { class: "stage", ref: stage, "aria-label": t("stage.title") },
    h(Frame, { ...view, zooming }),
    h(StageBar, { ...view, tools, onTools: () => setTools(!tools) }),
    h(
      "div",
      { class: "stage-tools", id: "stage-tools", "data-open": tools },
      h(ZoomTools, { zooming, screen }),
      h(CompareTools, view),
    ),
  );
}

/** On a narrow page the sections scroll below the stage, however high it is. @param {HTMLElement} stage */
function tellHeight(stage) {
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() => style.setProperty("--stage-height", `${stage.offsetHeight}px`));
  observer.observe(stage);
  return () => observer.disconnect();
}

/** @param {View & { zooming: Zooming }} props */
function Frame({ zooming, ...view }) {
  const { state, screen, editor } = view;
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const pictures = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!canvas.current || !pictures.current) return undefined;
    editor.canvas = canvas.current;
    const detach = screen.attach(canvas.current, "chosen", { zooms: true });
    const stop = zooming.attach(pictures.current);
    return () => {
      detach();
      stop();
    };
  }, []);
  const mode = canCompare(state) && state.view === "document" ? state.comparison.mode : "off";
  return h(
    "div",
    { class: "frame", "data-picture": state.picture, "data-compare": mode, "data-testid": "stage" },
    h(
      "div",
      { class: "pictures", ref: pictures, tabIndex: 0, role: "group", "aria-label": t("stage.pictures") },
      mode === "beside" && h(Before, view),
      h("canvas", {
        key: "face",
        ref: canvas,
        class: "face",
        width: 512,
        height: 512,
        role: "img",
        "aria-label": describe(state),
        "data-testid": "face",
        "data-seq": "0",
        "data-kind": "0",
        "data-frames": "0",
        "data-zoom": "fit",
      }),
    ),
    mode === "wipe" && h(Wipe, { screen }),
    mode !== "off" && h(Sides, null),
    h(Overlay, view),
    mode === "off" && h(PhotoInset, view),
  );
}

/** The picture before, beside the one that is edited. @param {View} view */
function Before({ screen }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(
    () => (canvas.current ? screen.attach(canvas.current, "before", { zooms: true }) : undefined),
    [],
  );
  return h("canvas", {
    ref: canvas,
    class: "face",
    width: 512,
    height: 512,
    role: "img",
    "aria-label": t("compare.before"),
    "data-testid": "face-before",
  });
}

/** Which side is which. */
const Sides = () =>
  h(
    "div",
    { class: "sides", "aria-hidden": "true" },
    h("span", null, t("compare.before")),
    h("span", null, t("compare.now")),
  );

/** @param {State} state */
function describe(state) {
  if (state.view === "projection") return t("stage.search");
  if (state.comparing === "photo") return t("stage.crop");
  const base = state.document?.base;
  if (!base) return t("stage.none");
  const model = modelOf(state);
  const edits = Object.keys(state.document?.attributes ?? {}).map((name) =>
    term(`attribute.${name}`, model?.attributes.find((info) => info.name === name)?.label ?? name),
  );
  const found = jobOfBase(state) ? t("stage.foundFace") : t("stage.requestedFace");
  const face = base.kind === "seed" ? t("stage.seedFace", { seed: String(base.seed) }) : found;
  return edits.length && state.comparing !== "before"
    ? t("stage.edited", { face, edits: formatList(edits) })
    : face;
}

/** The photo that the face was found in; large while it is held. @param {View} view */
function PhotoInset({ state, editor }) {
  const job = jobOfBase(state) ?? (state.view === "projection" ? runningJob(state) : null);
  const url = job?.target_url;
  if (!url) return null;
  return h(
    HoldButton,
    {
      label: t("stage.holdPhoto"),
      testid: "compare-photo",
      class: "inset",
      onHold: (held) => void editor.compare(held ? "photo" : null, url),
    },
    h("img", { src: url, alt: "", draggable: false }),
    h("span", null, t("stage.photo")),
  );
}

/** @param {View & { tools: boolean, onTools: () => void }} props */
function StageBar({ state, store, editor, tools, onTools }) {
  const running = runningJob(state)?.state === "running";
  const other = state.view === "projection" ? "document" : "projection";
  return h(
    "div",
    { class: "stage-bar" },
    h(
      HoldButton,
      {
        label: t("compare.holdLabel"),
        title: t("compare.holdTitle"),
        testid: "compare",
        disabled: !canCompare(state),
        onHold: (held) => void editor.compare(held ? "before" : null),
      },
      h(Icon, { name: "compare" }),
      h("span", { class: "wide-only" }, t("compare.hold")),
      h("span", { class: "narrow-only" }, t("compare.holdShort")),
    ),
    running &&
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": "watch",
          onClick: () => store.dispatch({ type: "view", view: other }),
        },
        h(Icon, { name: other === "projection" ? "search" : "photo" }),
        h("span", null, other === "projection" ? t("stage.watch") : t("stage.back")),
      ),
    h("span", { class: running ? "caption wide-only" : "caption", "data-testid": "caption" }, caption(state)),
    h(MeterReading, { state, running }),
    h(
      "button",
      {
        type: "button",
        class: "icon-button narrow-only",
        "aria-label": t("stage.tools"),
        "aria-expanded": tools,
        "aria-controls": "stage-tools",
        "data-testid": "stage-tools",
        onClick: onTools,
      },
      h(Icon, { name: "search" }),
    ),
  );
}

/** @param {State} state */
function caption(state) {
  const base = state.document?.base;
  if (!base) return "";
  const face = base.kind === "seed" ? t("history.seed", { seed: String(base.seed) }) : origin(state);
  const edits = state.document ? editCount(state.document) : 0;
  return edits ? plural("stage.caption", edits, { face }) : face;
}

/** Where a face without a seed comes from. @param {State} state */
function origin(state) {
  const job = jobOfBase(state);
  if (!job) return t("stage.requested");
  const photo = state.photos.find(({ id }) => id === job.photo)?.name;
  return photo ? t("stage.foundIn", { photo }) : t("stage.foundInSome");
}

/** A narrow page has no room for it beside what a running search brings. @param {{ state: State, running: boolean }} props */
function MeterReading({ state: { meter }, running }) {
  const { latencyMs, perSecond, renderMs, queuedMs, size } = meter;
  const title = t("meter.about", { render: Math.round(renderMs), queued: Math.round(queuedMs), size });
  return h(
    "span",
    { class: running ? "meter wide-only" : "meter", "data-testid": "meter", title: latencyMs === null ? undefined : title },
    h("span", null, latencyMs === null ? "– ms" : `${latencyMs.toFixed(0)} ms`),
    h(
      "span",
      null,
      perSecond?.toFixed(0) ?? "–",
      h("span", { class: "wide-only" }, ` ${t("meter.pictures")}`),
      "/s",
    ),
  );
}
