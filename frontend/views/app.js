// The whole page.

import { Fragment, h } from "../vendor/preact.js";
import { useEffect, useReducer } from "../vendor/hooks.js";
import { Attributes } from "./attributes.js";
import { Explore } from "./explore.js";
import { Intake } from "./intake.js";
import { Mix } from "./mix.js";
import { ModelChooser } from "./models.js";
import { Noise } from "./noise.js";
import { ConnectionBanner, Toasts } from "./notices.js";
import { Photo } from "./photo.js";
import { Stage } from "./stage.js";
import { TopBar } from "./topbar.js";

/** @import { Choosing } from "../choosing.js" */
/** @import { Editor } from "../editor.js" */
/** @import { Projecting } from "../projecting.js" */
/** @import { Screen } from "../screen.js" */
/** @import { State, Store } from "../state.js" */

/**
 * @typedef {{ store: Store, editor: Editor, projecting: Projecting, choosing: Choosing, screen: Screen }} Parts
 */
/** What every view is given. @typedef {Parts & { state: State }} View */

const SECTIONS = [
  ["explore", "Explore"],
  ["photo", "Photo"],
  ["face", "Attributes"],
  ["light", "Light"],
  ["mix", "Mix"],
  ["noise", "Noise"],
];

/** @param {Parts} parts */
export function App(parts) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => parts.store.subscribe(() => redraw(undefined)), []);
  useEffect(() => listenToKeys(parts), []);
  const view = { ...parts, state: parts.store.get() };
  return h(
    Fragment,
    null,
    h(TopBar, view),
    h(ConnectionBanner, view),
    h(
      "main",
      { class: "layout" },
      h(Stage, view),
      h(Jumps, null),
      h("div", { class: "side start" }, h(Explore, view), h(Photo, view)),
      h(
        "div",
        { class: "side end" },
        h(Attributes, { ...view, group: "face", title: "Attributes" }),
        h(Attributes, { ...view, group: "light", title: "Light" }),
        h(Mix, view),
        h(Noise, view),
      ),
    ),
    h(ModelChooser, view),
    h(Toasts, view),
    h(Intake, { onFile: (file) => void parts.projecting.upload(file) }),
  );
}

/** On a narrow page: the way to each section. */
function Jumps() {
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  return h(
    "nav",
    { class: "jumps", "aria-label": "Sections" },
    SECTIONS.map(([id, label]) =>
      h(
        "button",
        {
          key: id,
          type: "button",
          "data-testid": `jump-${id}`,
          onClick: () =>
            document.getElementById(id)?.scrollIntoView({ behavior: still() ? "auto" : "smooth" }),
        },
        label,
      ),
    ),
  );
}

/** @param {Parts} parts */
function listenToKeys({ editor, store }) {
  /** @param {KeyboardEvent} event */
  const onDown = (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "number";
    if (typing) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      editor.step(key === "y" || event.shiftKey ? "redo" : "undo");
    } else if (key === "b" && !event.repeat && !event.altKey) {
      if (Object.keys(store.get().document?.attributes ?? {}).length) void editor.compare("before");
    }
  };
  /** @param {KeyboardEvent} event */
  const onUp = (event) => void (event.key.toLowerCase() === "b" && editor.compare(null));
  addEventListener("keydown", onDown);
  addEventListener("keyup", onUp);
  return () => {
    removeEventListener("keydown", onDown);
    removeEventListener("keyup", onUp);
  };
}
