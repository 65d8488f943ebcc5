// The picture, what is happening to it, and the ways to compare it.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { headline } from "../progress.js";
import { editCount } from "../edits.js";
import { jobOfBase, loadingModel, modelOf, modelProblem, runningJob } from "../selectors.js";
import { HoldButton } from "./controls.js";
import { Icon } from "./icons.js";

/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Stage(view) {
  const { state, screen, editor } = view;
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    if (!canvas.current) return undefined;
    editor.canvas = canvas.current;
    return screen.attach(canvas.current, "chosen");
  }, []);
  return h(
    "section",
    { class: "stage", "aria-label": "Picture" },
    h(
      "div",
      { class: "frame", "data-picture": state.picture, "data-testid": "stage" },
      h("canvas", {
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
      }),
      h(Overlay, view),
      h(PhotoInset, view),
    ),
    h(StageBar, view),
  );
}

/** @param {State} state */
function describe(state) {
  if (state.view === "projection") return "The search for the photo's face, so far";
  if (state.comparing === "photo") return "The photo's own crop";
  const base = state.document?.base;
  if (!base) return "No picture yet";
  const edits = Object.keys(state.document?.attributes ?? {});
  const found = jobOfBase(state) ? "Face found in a photo" : "Face made on request";
  const face = base.kind === "seed" ? `Face made from seed ${base.seed}` : found;
  return edits.length && state.comparing !== "before" ? `${face}, edited: ${edits.join(", ")}` : face;
}

/** @param {View} view */
function Overlay(view) {
  const { state } = view;
  if (state.picture === "loading") {
    const model = loadingModel(state);
    const waiting = model ? `Loading ${model.title}…` : "Making the first face…";
    return h(
      "div",
      { class: "veil", role: "status" },
      h("span", null, state.connection.phase === "lost" ? "No picture yet" : waiting),
    );
  }
  if (state.picture === "failed" && state.connection.phase === "open") return h(Failed, view);
  return h(
    "div",
    { class: "overlay" },
    state.picture === "busy" && h("div", { class: "busy", role: "status", "aria-label": "Rendering" }),
    h(Badge, { state }),
  );
}

/** @param {View} view */
function Failed({ state, choosing }) {
  const { pictureProblem, meter } = state;
  const lacksModel = state.about !== null && modelOf(state) === null;
  return h(
    "div",
    { class: "failed", role: "status", "data-testid": "picture-failed" },
    h(Icon, { name: "warning" }),
    h(
      "p",
      null,
      h("strong", null, "This picture could not be made."),
      meter.size > 0 && " You see the last one that could.",
      ` ${modelProblem(state) || pictureProblem}`,
    ),
    h(
      "button",
      { type: "button", class: "button", "data-testid": "retry", onClick: () => void choosing.retry() },
      "Try again",
    ),
    lacksModel &&
      h(
        "button",
        {
          type: "button",
          class: "button primary",
          "data-testid": "choose-model",
          onClick: () => choosing.open(true),
        },
        "Choose a model",
      ),
  );
}

/** @param {{ state: State }} props */
function Badge({ state }) {
  const job = runningJob(state);
  const model = loadingModel(state);
  if (state.comparing)
    return h("span", { class: "badge" }, state.comparing === "photo" ? "Photo" : "Before the edits");
  if (state.connection.phase !== "open")
    return h("span", { class: "badge" }, "Not connected: showing the last picture");
  if (model)
    return h(
      "span",
      { class: "badge live", role: "status", "data-testid": "loading" },
      `Loading ${model.title}…`,
    );
  if (state.view !== "projection" || !job) return null;
  return h("span", { class: "badge live" }, headline(job));
}

/** The photo that the face was found in; large while it is held. @param {View} view */
function PhotoInset({ state, editor }) {
  const job = jobOfBase(state) ?? (state.view === "projection" ? runningJob(state) : null);
  const url = job?.target_url;
  if (!url) return null;
  return h(
    HoldButton,
    {
      label: "Hold to see the photo",
      testid: "compare-photo",
      class: "inset",
      onHold: (held) => void editor.compare(held ? "photo" : null, url),
    },
    h("img", { src: url, alt: "", draggable: false }),
    h("span", null, "Photo"),
  );
}

/** @param {View} view */
function StageBar({ state, store, editor }) {
  const edits = state.document ? editCount(state.document) : 0;
  const running = runningJob(state)?.state === "running";
  const other = state.view === "projection" ? "document" : "projection";
  return h(
    "div",
    { class: "stage-bar" },
    h(
      HoldButton,
      {
        label: "Hold to compare with the face before the edits",
        title: "Hold to see the face before the edits (B)",
        testid: "compare",
        disabled: edits === 0,
        onHold: (held) => void editor.compare(held ? "before" : null),
      },
      h(Icon, { name: "compare" }),
      h("span", { class: "wide-only" }, "Hold to compare"),
      h("span", { class: "narrow-only" }, "Compare"),
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
        h("span", null, other === "projection" ? "Watch the search" : "Back to my face"),
      ),
    h("span", { class: running ? "caption wide-only" : "caption", "data-testid": "caption" }, caption(state)),
    h(MeterReading, { state }),
  );
}

/** @param {State} state */
function caption(state) {
  const base = state.document?.base;
  if (!base) return "";
  const face = base.kind === "seed" ? `Seed ${base.seed}` : origin(state);
  const edits = state.document ? editCount(state.document) : 0;
  return edits ? `${face}, ${edits} ${edits === 1 ? "edit" : "edits"}` : face;
}

/** Where a face without a seed comes from. @param {State} state */
function origin(state) {
  const job = jobOfBase(state);
  if (!job) return "Made on request";
  return `Found in ${state.photos.find(({ id }) => id === job.photo)?.name ?? "a photo"}`;
}

/** @param {{ state: State }} props */
function MeterReading({ state: { meter } }) {
  const { renderMs, queuedMs, size } = meter;
  const server = `Rendering ${renderMs.toFixed(0)} ms, waiting ${queuedMs.toFixed(0)} ms`;
  const title = `From an edit to seeing it. ${server}, ${size} × ${size} pixels.`;
  return h(
    "span",
    { class: "meter", "data-testid": "meter", title: meter.latencyMs === null ? undefined : title },
    h("span", null, meter.latencyMs === null ? "– ms" : `${meter.latencyMs.toFixed(0)} ms`),
    h("span", null, meter.perSecond?.toFixed(0) ?? "–", h("span", { class: "wide-only" }, " pictures"), "/s"),
  );
}
