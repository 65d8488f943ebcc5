// A photo: choosing it, its face and its crop, and looking for that face in the model.

import { Fragment, h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { spoken } from "../kept_text.js";
import { rungTitle } from "../ladder.js";
import { t } from "../language.js";
import { metricName } from "../progress.js";
import { faceOf, isOver, jobOf, jobsOf, modelOf, photoOf } from "../selectors.js";
import { Aligner } from "./aligning.js";
import { Icon } from "./icons.js";
import { Ladder } from "./ladder.js";
import { Outcome } from "./outcome.js";
import { Announcement, Projection } from "./projection.js";

/** @import { Job, Photo as PhotoInfo } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

/** @param {View} view */
export function Photo(view) {
  const { state, projecting } = view;
  const photo = photoOf(state);
  const job = jobOf(state);
  return h(
    "section",
    { class: "panel", id: "photo", "aria-labelledby": "photo-title" },
    h("header", null, h("h2", { id: "photo-title" }, t("section.photo"))),
    h(Pickers, view),
    h(UploadNote, { upload: state.upload }),
    h(Announcement, { job }),
    state.photos.length > 1 && h(PhotoStrip, view),
    photo &&
      photo.faces.length > 1 &&
      h(FacesOnPhoto, { photo, onFace: (face) => projecting.reset(photo, face) }),
    photo && h(Search, { ...view, photo, job, key: photo.id }),
  );
}

/** @param {View} view */
function Pickers(view) {
  const again = view.state.photos.length > 0;
  return h(
    "div",
    { class: "pickers" },
    h(
      Picker,
      {
        ...view,
        label: again ? t("photo.chooseAnother") : t("photo.choose"),
        icon: "photo",
        testid: "photo-input",
      },
      h("small", null, t("photo.drop")),
    ),
    h(Picker, {
      ...view,
      label: t("photo.camera"),
      icon: "camera",
      testid: "camera-input",
      capture: "user",
    }),
  );
}

/**
 * @param {View & { label: string, icon: "photo" | "camera", testid: string, capture?: "user",
 *   children?: import("../vendor/preact.js").ComponentChildren }} props
 */
function Picker({ state, exporting, label, icon, testid, capture, children }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  return h(
    "label",
    { class: `picker${capture ? " camera" : ""}${state.photos.length ? " compact" : ""}` },
    h("input", {
      ref: input,
      type: "file",
      accept: capture ? "image/*" : "image/*,.npz,.safetensors",
      capture,
      class: "visually-hidden",
      "aria-label": capture ? t("photo.take") : t("photo.choose"),
      "data-testid": testid,
      disabled: state.upload.phase === "sending",
      onChange: () => {
        const file = input.current?.files?.[0];
        if (file) void exporting.take(file);
        if (input.current) input.current.value = ""; // the same file can be chosen again
      },
    }),
    h(Icon, { name: icon }),
    h("span", null, h("strong", null, label), children),
  );
}

/** @param {{ upload: State["upload"] }} props */
function UploadNote({ upload }) {
  if (upload.phase === "idle") return null;
  if (upload.phase === "sending") {
    return h(
      "p",
      { class: "note", role: "status", "data-testid": "upload-state" },
      h("span", { class: "spinner", "aria-hidden": "true" }),
      t("photo.looking", { name: upload.name }),
    );
  }
  return h(
    "div",
    { class: "problem", "data-testid": "upload-failed" },
    h("strong", null, spoken(upload.title)),
    h("p", null, spoken(upload.detail) || upload.name),
    upload.hint && h("p", null, spoken(upload.hint)),
  );
}

/** @param {View} view */
function PhotoStrip({ state, projecting }) {
  return h(
    "div",
    { class: "faces", role: "group", "aria-label": t("photo.yours") },
    state.photos.map((photo) =>
      h(
        "button",
        {
          key: photo.id,
          type: "button",
          class: "face-choice",
          "aria-label": t("photo.named", { name: photo.name }),
          "aria-pressed": photo.id === state.photo,
          title: photo.name,
          onClick: () => projecting.choose(photo.id),
        },
        h("img", {
          class: "thumbnail",
          src: photo.faces[0]?.crop_url ?? photo.image_url,
          alt: "",
          draggable: false,
        }),
      ),
    ),
  );
}

/** Which of several is meant. @param {{ photo: PhotoInfo, onFace: (face: number) => void }} props */
function FacesOnPhoto({ photo, onFace }) {
  const part = (/** @type {number} */ value, /** @type {number} */ of) => `${(100 * value) / of}%`;
  const chosen = faceOf(photo);
  return h(
    Fragment,
    null,
    h(
      "div",
      { class: "photo", "data-testid": "photo" },
      h("img", {
        src: photo.image_url,
        alt: t("photo.alt", { name: photo.name }),
        width: photo.width,
        height: photo.height,
        draggable: false,
      }),
      photo.faces.map(({ box: [x0, y0, x1, y1] }, index) =>
        h("button", {
          key: index,
          type: "button",
          class: "face-box",
          "aria-label": t("photo.face", { index: index + 1, count: photo.faces.length }),
          "aria-pressed": index === chosen,
          "data-testid": `face-${index}`,
          style: {
            left: part(x0, photo.width),
            top: part(y0, photo.height),
            width: part(x1 - x0, photo.width),
            height: part(y1 - y0, photo.height),
          },
          onClick: () => onFace(index),
        }),
      ),
    ),
    h("p", { class: "note" }, t("photo.faces", { count: photo.faces.length })),
  );
}

/**
 * The crop and the ladder, the search, or what came of it.
 * @param {View & { photo: PhotoInfo, job: Job | null }} props
 */
function Search(props) {
  const { job, state, projecting } = props;
  const [picked, setPicked] = useState("");
  useEffect(() => setPicked(""), [job?.id]);
  if (job && !isOver(job)) return h(Projection, { ...props, job, key: job.id });
  if (!job) return h(Beginning, props);
  const results = jobsOf(state).filter(({ latent }) => latent);
  const shown = results.find(({ id }) => id === picked) ?? job;
  const pick = (/** @type {Job} */ result) => {
    setPicked(result.id);
    projecting.look(result);
  };
  return h(
    Fragment,
    null,
    results.some((each) => each !== job) && h(Results, { results, shown, onPick: pick }),
    h(Outcome, { ...props, job: shown, key: shown.id }),
    h(
      "details",
      { class: "more", open: job.state === "failed" && !job.latent },
      h("summary", { "data-testid": "again" }, t("photo.again")),
      h(Beginning, props),
    ),
  );
}

/**
 * What was found on this face until now.
 * @param {{ results: Job[], shown: Job, onPick: (job: Job) => void }} props
 */
function Results({ results, shown, onPick }) {
  return h(
    "div",
    { class: "results", role: "group", "aria-label": t("photo.results"), "data-testid": "results" },
    results.map((job) =>
      h(
        "button",
        {
          key: job.id,
          type: "button",
          class: "band",
          "aria-pressed": job === shown,
          onClick: () => onPick(job),
        },
        h("span", null, rungTitle(job.space)),
        h("small", null, job.distance?.toPrecision(3)),
      ),
    ),
  );
}

/** @param {View & { photo: PhotoInfo, job: Job | null }} props */
function Beginning(props) {
  const { state, projecting, photo, job } = props;
  const [asked, setAsked] = useState(false);
  const model = modelOf(state);
  if (model?.img_channels === 1)
    return h("p", { class: "note" }, t("photo.grey"));
  const start = async () => {
    setAsked(true);
    await projecting.start(photo);
    setAsked(false);
  };
  const placed = photo.faces.length > 0 || photo.by_hand;
  const metric = state.about?.perceptual;
  return h(
    Fragment,
    null,
    h(Aligner, props),
    h(Ladder, props),
    h(
      "button",
      {
        type: "button",
        class: job?.latent ? "button wide" : "button primary wide",
        "data-testid": "project",
        disabled: asked || !placed || !model || state.connection.phase !== "open",
        onClick: start,
      },
      job ? t("photo.findAgain") : t("photo.find"),
    ),
    metric &&
      h(
        "p",
        { class: "note", "data-testid": "metric", title: metric.note },
        t("photo.metric", { metric: metricName(metric.name) }),
      ),
  );
}
