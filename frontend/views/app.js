// The whole page.

import { Fragment, h } from "../vendor/preact.js";
import { useEffect, useReducer, useState } from "../vendor/hooks.js";
import { editCount } from "../edits.js";
import { Attributes } from "./attributes.js";
import { Directions } from "./directions.js";
import { Explore } from "./explore.js";
import { Intake } from "./intake.js";
import { Light } from "./light.js";
import { Mix } from "./mix.js";
import { ModelChooser } from "./models.js";
import { Noise } from "./noise.js";
import { ConnectionBanner, Toasts } from "./notices.js";
import { Photo } from "./photo.js";
import { Stage } from "./stage.js";
import { TopBar } from "./topbar.js";

/** @import { VNode } from "../vendor/preact.js" */
/** @import { Choosing } from "../choosing.js" */
/** @import { Directing } from "../directing.js" */
/** @import { Editor } from "../editor.js" */
/** @import { Projecting } from "../projecting.js" */
/** @import { Screen } from "../screen.js" */
/** @import { State, Store } from "../state.js" */

/**
 * @typedef {{ store: Store, editor: Editor, projecting: Projecting, choosing: Choosing, directing: Directing,
 *   screen: Screen }} Parts
 */
/** What every view is given. @typedef {Parts & { state: State }} View */

const SECTIONS = [
  ["explore", "Explore"],
  ["photo", "Photo"],
  ["face", "Attributes"],
  ["light", "Light"],
  ["directions", "Directions"],
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
        h(Attributes, view),
        h(Light, view),
        h(Directions, view),
        h(Mix, view),
        h(Noise, view),
      ),
    ),
    h(ModelChooser, view),
    h(EditDialog, view),
    h(Toasts, view),
    h(Intake, { onFile: (file) => void parts.projecting.upload(file) }),
  );
}

const DIALOGS = {
  search: async () => (await import("../dialogs/search.js")).Search,
  request: async () => (await import("../dialogs/request.js")).RequestFaces,
};

/** The dialog that is open; its code is fetched when it is. @param {View} view */
function EditDialog(view) {
  const { dialog } = view.state.tools;
  const [loaded, setLoaded] = useState(/** @type {Record<string, (view: View) => VNode | null>} */ ({}));
  useEffect(() => {
    if (dialog) void DIALOGS[dialog]().then((body) => setLoaded((before) => ({ ...before, [dialog]: body })));
  }, [dialog]);
  return dialog && loaded[dialog] ? h(loaded[dialog], view) : null;
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
    const typing = event.target instanceof HTMLInputElement && /number|text/.test(event.target.type);
    if (typing) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      editor.step(key === "y" || event.shiftKey ? "redo" : "undo");
    } else if (key === "b" && !event.repeat && !event.altKey) {
      const { document } = store.get();
      if (document && editCount(document)) void editor.compare("before");
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
