// The whole page.

import { Fragment, h } from "../vendor/preact.js";
import { useEffect, useReducer, useRef } from "../vendor/hooks.js";
import { canCompare } from "../comparing.js";
import { onLanguage, t } from "../language.js";
import { useShortcut } from "../shortcuts.js";
import { Activations } from "./activations.js";
import { Attributes } from "./attributes.js";
import { Directions } from "./directions.js";
import { Explore } from "./explore.js";
import { Gallery } from "./gallery.js";
import { History } from "./history.js";
import { Intake } from "./intake.js";
import { Light } from "./light.js";
import { Mix } from "./mix.js";
import { ModelChooser } from "./models.js";
import { Noise } from "./noise.js";
import { ConnectionBanner, Toasts } from "./notices.js";
import { useOnDemand } from "./on_demand.js";
import { Photo } from "./photo.js";
import { Stage } from "./stage.js";
import { Foot, TopBar } from "./topbar.js";

/** @import { VNode } from "../vendor/preact.js" */
/** @import { Choosing } from "../choosing.js" */
/** @import { Directing } from "../directing.js" */
/** @import { Collecting } from "../collecting.js" */
/** @import { Editor } from "../editor.js" */
/** @import { Exporting } from "../exporting.js" */
/** @import { Projecting } from "../projecting.js" */
/** @import { Screen } from "../screen.js" */
/** @import { State, Store } from "../state.js" */
/** @import { Trial } from "../trying.js" */

/**
 * @typedef {{ store: Store, editor: Editor, projecting: Projecting, choosing: Choosing, directing: Directing,
 *   screen: Screen, trial: Trial, exporting: Exporting, collecting: Collecting }} Parts
 */
/** What every view is given. @typedef {Parts & { state: State }} View */

/** Ids of the sections; each has a text "section.id". */
const SECTIONS = /** @type {const} */ ([
  "explore",
  "photo",
  "gallery",
  "history",
  "face",
  "light",
  "directions",
  "mix",
  "noise",
  "layers",
]);

/** @param {Parts} parts */
export function App(parts) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => parts.store.subscribe(() => redraw(undefined)), []);
  useEffect(() => onLanguage(() => redraw(undefined)), []);
  useKeys(parts);
  const view = { ...parts, state: parts.store.get() };
  const known = Boolean(isKnown(view.state));
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
      h("div", { class: "side start", "data-known": known }, h(Explore, view), h(Photo, view), h(Gallery, view), h(History, view)),
      h(
        "div",
        { class: "side end", "data-known": known },
        h(Attributes, view),
        h(Light, view),
        h(Directions, view),
        h(Mix, view),
        h(Noise, view),
        h(Activations, view),
      ),
    ),
    h(Foot, null),
    h(ModelChooser, view),
    h(OpenDialog, view),
    h(Toasts, view),
    h(Intake, { reading: view.state.readingFile, onFile: (file) => void parts.exporting.take(file) }),
  );
}

/** Whether there is something for the panels to show: before, they would only grow and shift. @param {State} state */
const isKnown = ({ about, document, gallery, connection, toasts }) =>
  (about && document && gallery.items !== null) || connection.phase === "lost" || toasts.length > 0;

/** @type {Record<string, () => Promise<(view: View) => VNode | null>>} */
const DIALOGS = {
  search: async () => (await import("../dialogs/search.js")).Search,
  request: async () => (await import("../dialogs/request.js")).RequestFaces,
  keys: async () => (await import("../dialogs/keys.js")).Keys,
  grid: async () => (await import("../dialogs/grid.js")).NewFaces,
  variations: async () => (await import("../dialogs/grid.js")).Variations,
  walk: async () => (await import("../dialogs/walk.js")).WalkDialog,
  "start-over": async () => (await import("../dialogs/start_over.js")).StartOver,
  export: async () => (await import("../dialogs/export.js")).Export,
};

/** The dialog that is open; its code is fetched when it is. @param {View} view */
function OpenDialog(view) {
  const onFailed = () => view.store.dispatch({ type: "tools", change: { dialog: null } });
  const body = useOnDemand(view.state.tools.dialog, DIALOGS, { editor: view.editor, onFailed });
  return body && h(body, view);
}

/** On a narrow page: the way to each section. */
function Jumps() {
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  return h(
    "nav",
    { class: "jumps", "aria-label": t("app.sections") },
    SECTIONS.map((id) =>
      h(
        "button",
        {
          key: id,
          type: "button",
          "data-testid": `jump-${id}`,
          onClick: () =>
            document.getElementById(id)?.scrollIntoView({ behavior: still() ? "auto" : "smooth" }),
        },
        t(`section.${id}`),
      ),
    ),
  );
}

/** The keys that belong to no section. @param {Parts} parts */
function useKeys({ editor, store }) {
  const undo = useRef(() => editor.step("undo"));
  const redo = useRef(() => editor.step("redo"));
  const before = useRef({
    down: () => void (canCompare(store.get()) && editor.compare("before")),
    up: () => void editor.compare(null),
  });
  const sheet = useRef(() => store.dispatch({ type: "tools", change: { dialog: "keys", refusal: null } }));
  useShortcut({ keys: "Mod+z", message: "key.undo" }, undo);
  useShortcut({ keys: "Mod+Shift+z", message: "key.redo" }, redo);
  useShortcut({ keys: "Mod+y", message: "key.redo" }, redo);
  useShortcut({ keys: "b", message: "key.before" }, before);
  useShortcut({ keys: "?", message: "key.sheet" }, sheet);
}
