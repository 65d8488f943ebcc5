// The picture of a walk, its time line, and how it goes along its faces.

import { h } from "../vendor/preact.js";
import { useEffect, useReducer, useRef } from "../vendor/hooks.js";
import { walkPicture } from "../explore_api.js";
import { formatNumber, t } from "../language.js";
import { Player } from "../player.js";
import { keyTimes, length, walkOf } from "../timeline.js";
import { Select, Switch } from "../views/controls.js";
import { Icon } from "../views/icons.js";
import { levelOf } from "../views/tiles.js";

/** @import { ModelInfo } from "../messages.js" */
/** @import { Timeline, TimelineAction } from "../timeline.js" */

const SIDE = 256;

/**
 * The picture, and where in the walk it is.
 * @param {{ timeline: Timeline, model: ModelInfo, change: (action: TimelineAction) => void }} props
 */
export function WalkPreview({ timeline, model, change }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [news, setNews] = useReducer(
    (/** @type {unknown} */ _, /** @type {{ playing: boolean, at: number, problem: string }} */ next) => next,
    { playing: false, at: 0, problem: "" },
  );
  const latest = useRef(timeline);
  latest.current = timeline;
  const player = useRef(/** @type {Player | null} */ (null));
  player.current ??= new Player({
    draw: async (at) =>
      drawOn(canvas.current, await walkPicture(walkOf(latest.current), at, levelOf(model, SIDE))),
    span: () => ({ length: length(latest.current), loop: latest.current.closed }),
    onNextFrame: (callback) => void requestAnimationFrame(callback),
    now: () => performance.now(),
    tell: setNews,
  });
  const total = length(timeline);
  const at = Math.min(news.at, total);
  useEffect(() => {
    if (total > 0) player.current?.seek(at);
    else player.current?.pause();
  }, [JSON.stringify(walkOf(timeline))]);
  useEffect(() => () => player.current?.pause(), []);
  const play = () => (news.playing ? player.current?.pause() : player.current?.play());
  return h(
    "div",
    { class: "walk-preview" },
    h(
      "div",
      { class: "walk-stage" },
      h("canvas", {
        ref: canvas,
        width: levelOf(model, SIDE),
        height: levelOf(model, SIDE),
        role: "img",
        "aria-label": t("walk.picture"),
        "data-testid": "walk-picture",
        hidden: total === 0,
      }),
      total === 0 && h("p", { class: "note" }, t("walk.needsTwo")),
    ),
    h(
      "div",
      { class: "walk-controls" },
      h(TimeLine, { timeline, at, total, onSeek: (to) => player.current?.seek(to) }),
      h(
        "div",
        { class: "row wrap" },
        h(
          "button",
          {
            type: "button",
            class: "button primary",
            "data-testid": "walk-play",
            disabled: total === 0,
            onClick: play,
          },
          h(Icon, { name: news.playing ? "pause" : "play" }),
          news.playing ? t("walk.pause") : t("walk.play"),
        ),
        h(
          "span",
          { class: "walk-time", "data-testid": "walk-time" },
          t("walk.time", { at: seconds(at), total: seconds(total) }),
        ),
        h("div", { class: "spacer" }),
        h(Switch, {
          label: t("walk.closed"),
          hint: t("walk.closedHint"),
          testid: "walk-closed",
          checked: timeline.closed,
          onChange: (closed) => change({ type: "set", change: { closed } }),
        }),
      ),
      h(
        "div",
        { class: "row wrap" },
        h(Select, {
          label: t("walk.path"),
          testid: "walk-path",
          value: timeline.path,
          options: [
            ["smooth", t("walk.smooth")],
            ["straight", t("walk.straight")],
          ],
          onChange: (path) =>
            change({ type: "set", change: { path: path === "straight" ? "straight" : "smooth" } }),
        }),
        h(Select, {
          label: t("walk.easing"),
          testid: "walk-easing",
          value: timeline.easing,
          options: [
            ["even", t("walk.even")],
            ["gentle", t("walk.gentle")],
          ],
          onChange: (easing) =>
            change({ type: "set", change: { easing: easing === "gentle" ? "gentle" : "even" } }),
        }),
      ),
      news.problem &&
        h(
          "div",
          { class: "problem", role: "alert", "data-testid": "walk-failed" },
          h("strong", null, t("walk.failed")),
          h("p", null, news.problem),
          h(
            "button",
            { type: "button", class: "button", onClick: () => player.current?.seek(at) },
            t("grid.retry"),
          ),
        ),
    ),
  );
}

/** @param {number} value */
const seconds = (value) => formatNumber(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {HTMLCanvasElement | null} canvas @param {Blob} blob */
async function drawOn(canvas, blob) {
  const picture = await createImageBitmap(blob);
  canvas?.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  if (canvas) canvas.dataset.frames = String(Number(canvas.dataset.frames ?? 0) + 1);
}

/**
 * A slider over the whole walk, with a mark where each face is reached.
 * @param {{ timeline: Timeline, at: number, total: number, onSeek: (at: number) => void }} props
 */
function TimeLine({ timeline, at, total, onSeek }) {
  const part = (/** @type {number} */ time) => (total ? Math.min(1, time / total) : 0);
  return h(
    "div",
    { class: "range walk-line", style: { "--from": "0", "--to": `${part(at)}` } },
    h("div", { class: "range-track" }, h("div", { class: "range-fill" })),
    total > 0 &&
      keyTimes(timeline).map((time, index) =>
        h("div", { key: timeline.keys[index].id, class: "range-tick", style: { "--at": `${part(time)}` } }),
      ),
    h("input", {
      type: "range",
      min: 0,
      max: total || 1,
      step: 0.01,
      value: at,
      disabled: total === 0,
      "aria-label": t("walk.position"),
      "aria-valuetext": t("walk.time", { at: seconds(at), total: seconds(total) }),
      "data-testid": "walk-line",
      onInput: (event) => onSeek(event.currentTarget.valueAsNumber),
    }),
  );
}
