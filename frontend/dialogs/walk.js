// The dialog that makes a walk: its picture, its time line, its faces, and the film of it.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { keepWalk, sessionWalk } from "../explore_api.js";
import { t } from "../language.js";
import { isUsable, modelOf } from "../selectors.js";
import { EMPTY_TIMELINE, length, reduceTimeline, walkOf } from "../timeline.js";
import { Dialog } from "./dialog.js";
import { WalkFaces } from "./walk_faces.js";
import { FilmMaker } from "./film.js";
import { WalkPreview } from "./walk_preview.js";
import { WalkSources } from "./walk_sources.js";

/** @import { Timeline, TimelineAction } from "../timeline.js" */
/** @import { View } from "../views/app.js" */

const KEEP_AFTER_MS = 400;

/** @param {View} view */
export function WalkDialog(view) {
  const { state, store, editor } = view;
  const { timeline, change, problem } = useKeptWalk(state.session, (error) => editor.report(error));
  const model = modelOfWalk(state.models, timeline) ?? modelOf(state);
  const close = () => store.dispatch({ type: "tools", change: { dialog: null } });
  if (!model) return null;
  return h(
    Dialog,
    { title: t("walk.title"), testid: "walk", onClose: close },
    problem &&
      h("div", { class: "problem", role: "alert", "data-testid": "walk-problem" }, h("p", null, problem)),
    timeline &&
      h(
        "div",
        { class: "walk" },
        h(WalkPreview, { timeline, model, change }),
        h(WalkFaces, {
          timeline,
          models: state.models,
          change,
          onTake: (document) => {
            editor.change(document);
            close();
          },
        }),
        h(WalkSources, { view, timeline, change }),
        h(FilmMaker, {
          view,
          model,
          name: "walk",
          ready: length(timeline) > 0,
          motion: () => ({ kind: /** @type {const} */ ("walk"), walk: walkOf(timeline) }),
        }),
      ),
  );
}

/** @param {View["state"]["models"]} models @param {Timeline | null} timeline */
function modelOfWalk(models, timeline) {
  const name = timeline?.keys[0]?.document.model;
  return models.filter(isUsable).find((each) => each.name === name) ?? null;
}

/**
 * The session's walk, which the server keeps: read once, written when it has not changed for a moment.
 * @param {string | null} session
 * @param {(error: unknown) => void} report what the dialog cannot say, because it is closed
 */
function useKeptWalk(session, report) {
  const [timeline, setTimeline] = useState(/** @type {Timeline | null} */ (null));
  const [problem, setProblem] = useState("");
  const unkept = useRef(/** @type {Timeline | null} */ (null));
  const isOpen = useRef(true);
  /** @param {unknown} error */
  const complain = (error) => (isOpen.current ? setProblem(/** @type {Error} */ (error).message) : report(error));
  useEffect(() => {
    if (!session) return;
    sessionWalk(session).then(
      (walk) => setTimeline(reduceTimeline(EMPTY_TIMELINE, { type: "read", walk })),
      complain,
    );
  }, [session]);
  const keep = async () => {
    const walk = unkept.current;
    unkept.current = null;
    if (!walk || !session) return;
    try {
      await keepWalk(session, walkOf(walk));
      setProblem("");
    } catch (error) {
      unkept.current ??= walk;
      complain(error);
    }
  };
  useEffect(() => {
    if (!unkept.current) return undefined;
    const timer = setTimeout(() => void keep(), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [timeline]);
  const last = useRef(keep);
  last.current = keep;
  useEffect(() => {
    const leave = () => void last.current();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      isOpen.current = false;
      leave();
    };
  }, []);
  /** @param {TimelineAction} action */
  const change = (action) =>
    setTimeline((before) => {
      const after = reduceTimeline(before ?? EMPTY_TIMELINE, action);
      if (after !== before) unkept.current = after;
      return after;
    });
  return { timeline, change, problem };
}
