// Making a film: its form, its task, and the file to download. For walks and for edits.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { ProblemError } from "../api.js";
import * as tasks from "../edits_api.js";
import { exportFormats, requestFilm } from "../exporting_api.js";
import { spoken } from "../kept_text.js";
import { formatNumber, t } from "../language.js";
import { follow, isUnderWay } from "../tasks.js";
import { Select, option } from "../views/controls.js";
import { TaskProgress } from "./dialog.js";

/** @import { Film, FilmFormat, NewFilm } from "../exporting_messages.js" */
/** @import { Task } from "../editing_messages.js" */
/** @import { ModelInfo } from "../messages.js" */
/** @import { ComponentChildren } from "../vendor/preact.js" */
/** @import { View } from "../views/app.js" */
/** @typedef {"walk" | "edit"} FilmName */

const RATES = ["12", "24", "30", "60"];
const SMALL = 256;
const LARGEST = 1024;
const wait = (/** @type {number} */ ms) => new Promise((done) => void setTimeout(done, ms));

/**
 * @param {{ view: View, model: ModelInfo, name: FilmName, ready: boolean, motion: () => NewFilm["motion"],
 *   children?: ComponentChildren }} props name: in front of test ids, too; children: further choices
 */
export function FilmMaker({ view, model, name, ready, motion, children }) {
  const { session } = view.state;
  const [formats, setFormats] = useState(/** @type {FilmFormat[]} */ ([]));
  const [format, setFormat] = useState(/** @type {FilmFormat} */ ("gif"));
  const [rate, setRate] = useState("24");
  const [size, setSize] = useState(model.img_resolution > LARGEST ? String(LARGEST) : "");
  const [problem, setProblem] = useState("");
  const { task, watch, cancel, forget } = taskOf(view, name, setProblem);
  useEffect(() => {
    exportFormats().then(
      ({ films }) => {
        setFormats(films);
        setFormat(films.includes("mp4") ? "mp4" : films[0]);
      },
      (error) => setProblem(reasonOf(error)),
    );
  }, []);
  const make = async () => {
    if (!session) return;
    setProblem("");
    forget();
    const how = { frames_per_second: Number(rate), size: size ? Number(size) : null, format };
    try {
      await watch(await requestFilm(session, { motion: motion(), ...how }));
    } catch (error) {
      forget(); // it was lost sight of
      setProblem(reasonOf(error));
    }
  };
  const film = task?.state === "succeeded" ? task.film : null;
  return h(
    "section",
    { class: "film-maker", "aria-label": t("film.title") },
    h(
      "div",
      { class: "row wrap" },
      h("strong", null, t("film.title")),
      children,
      h(Select, {
        class: "select short",
        label: t("film.format"),
        testid: `${name}-format`,
        value: format,
        options: formats.map((each) => option(each, shownFormat(each))),
        onChange: (chosen) => setFormat(/** @type {FilmFormat} */ (chosen)),
      }),
      h(Select, {
        class: "select short",
        label: t("film.rate"),
        testid: `${name}-rate`,
        value: rate,
        options: RATES.map((each) => option(each, t("film.perSecond", { count: Number(each) }))),
        onChange: setRate,
      }),
      h(Select, {
        class: "select short",
        label: t("film.size"),
        testid: `${name}-size`,
        value: size,
        options: sizesOf(model),
        onChange: setSize,
      }),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "data-testid": `${name}-film`,
          disabled: !ready || !formats.length || isUnderWay(task),
          onClick: () => void make(),
        },
        t("film.make"),
      ),
    ),
    formats.length > 0 && !formats.includes("mp4") && h("p", { class: "note" }, t("film.noVideo")),
    problem &&
      h("div", { class: "problem", role: "alert", "data-testid": "film-problem" }, h("p", null, problem)),
    h(TaskProgress, { task, onCancel: () => void cancel() }),
    film && h(Finished, { film, name }),
  );
}

/** @param {unknown} error what went wrong, and what to do */
const reasonOf = (error) =>
  error instanceof ProblemError ? spoken([error.detail || error.title, error.hint]) : String(error);

/** @param {FilmFormat} format */
const shownFormat = (format) => ({ mp4: "MP4", webm: "WebM", gif: "GIF", webp: "WebP" })[format];

/** @param {ModelInfo} model @returns {[string, string][]} */
function sizesOf({ img_resolution: own }) {
  const larger = [...new Set([SMALL, own * 2, LARGEST])].filter((side) => side > own && side <= LARGEST);
  const smaller = own > LARGEST ? [LARGEST] : [];
  return [
    ...(own > LARGEST ? [] : [option("", t("film.ownSize", { side: String(own) }))]),
    ...[...smaller, ...larger.sort((a, b) => a - b)].map((side) =>
      option(String(side), t("film.pixels", { side: String(side) })),
    ),
  ];
}

/** @param {{ film: Film, name: string }} props */
function Finished({ film, name }) {
  const isVideo = film.format === "mp4" || film.format === "webm";
  const about = t("film.about", {
    seconds: film.seconds,
    side: String(film.size),
    megabytes: formatNumber(film.bytes / 1e6, { maximumSignificantDigits: 2 }),
  });
  const shown = { class: "film-shown", src: film.url, width: film.size, height: film.size };
  return h(
    "div",
    { class: "film-finished", "data-testid": `${name}-finished` },
    isVideo
      ? h("video", { ...shown, controls: true, loop: true, "aria-label": t("film.title") })
      : h("img", { ...shown, alt: t("film.title") }),
    h("p", { class: "note" }, about),
    h(
      "a",
      { class: "button primary", href: film.url, download: "", "data-testid": `${name}-download` },
      t("film.download", { format: shownFormat(film.format) }),
    ),
  );
}

/**
 * The newest film's task. It goes on when the dialog is closed, and is there when that is opened again.
 * @param {View} view
 * @param {FilmName} name
 * @param {(problem: string) => void} complain
 */
function taskOf({ store, state }, name, complain) {
  const task = state.tools.films[name];
  const keep = (/** @type {Task | null} */ news) =>
    store.dispatch({ type: "tools", change: { films: { ...store.get().tools.films, [name]: news } } });
  /** @param {Task} begun */
  const watch = (begun) => {
    keep(begun);
    return follow(begun, {
      look: tasks.task,
      wait,
      tell: (news) => {
        const isWanted = store.get().tools.films[name]?.id === begun.id;
        if (isWanted) keep(news);
        return isWanted;
      },
    });
  };
  const cancel = async () => {
    try {
      if (task) await tasks.cancelTask(task.id);
    } catch (error) {
      complain(reasonOf(error));
    }
  };
  return { task, watch, cancel, forget: () => keep(null) };
}
