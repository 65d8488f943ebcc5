// A photo: choosing it, seeing which faces were found on it, and starting the search.

import { Fragment, h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { jobOf, modelOf, photoOf, runningJob } from "../selectors.js";
import { Icon } from "./icons.js";
import { Projection } from "./projection.js";

/** @import { Photo as PhotoInfo } from "../messages.js" */
/** @import { State } from "../state.js" */
/** @import { View } from "./app.js" */

const STEPS = [
  { steps: 100, label: "Quick, 100" },
  { steps: 400, label: "Good, 400" },
  { steps: 1000, label: "Best, 1000" },
];

/** @param {View} view */
export function Photo(view) {
  const { state, store } = view;
  const photo = photoOf(state);
  return h(
    "section",
    { class: "panel", id: "photo", "aria-labelledby": "photo-title" },
    h("header", null, h("h2", { id: "photo-title" }, "Photo")),
    h(Picker, view),
    h(UploadNote, { upload: state.upload }),
    state.photos.length > 1 && h(PhotoStrip, { state, store }),
    photo &&
      h(FacesOnPhoto, {
        photo,
        face: state.face,
        onFace: (face) => store.dispatch({ type: "photo-chosen", photo: photo.id, face }),
      }),
    photo && h(Search, { ...view, photo }),
  );
}

/** @param {View} view */
function Picker({ state, projecting }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const sending = state.upload.phase === "sending";
  return h(
    "label",
    { class: state.photos.length ? "picker compact" : "picker" },
    h("input", {
      ref: input,
      type: "file",
      accept: "image/*",
      class: "visually-hidden",
      "aria-label": "Choose a photo",
      "data-testid": "photo-input",
      disabled: sending,
      onChange: () => {
        const file = input.current?.files?.[0];
        if (file) void projecting.upload(file);
        if (input.current) input.current.value = ""; // the same file can be chosen again
      },
    }),
    h(Icon, { name: "photo" }),
    h(
      "span",
      null,
      h("strong", null, state.photos.length ? "Choose another photo" : "Choose a photo"),
      h("small", null, "or drop or paste one anywhere"),
    ),
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
      `Looking for faces on ${upload.name}…`,
    );
  }
  return h(
    "div",
    { class: "problem", "data-testid": "upload-failed" },
    h("strong", null, upload.title),
    h("p", null, upload.detail || upload.name),
    upload.hint && h("p", null, upload.hint),
  );
}

/** @param {Pick<View, "state" | "store">} props */
function PhotoStrip({ state, store }) {
  return h(
    "div",
    { class: "faces", role: "group", "aria-label": "Your photos" },
    state.photos.map((photo) =>
      h(
        "button",
        {
          key: photo.id,
          type: "button",
          class: "face-choice",
          "aria-label": `Photo ${photo.name}`,
          "aria-pressed": photo.id === state.photo,
          title: photo.name,
          onClick: () => store.dispatch({ type: "photo-chosen", photo: photo.id, face: 0 }),
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

/** @param {{ photo: PhotoInfo, face: number, onFace: (face: number) => void }} props */
function FacesOnPhoto({ photo, face, onFace }) {
  const part = (/** @type {number} */ value, /** @type {number} */ of) => `${(100 * value) / of}%`;
  const many = photo.faces.length > 1;
  return h(
    Fragment,
    null,
    h(
      "div",
      { class: "photo", "data-testid": "photo" },
      h("img", {
        src: photo.image_url,
        alt: `Your photo ${photo.name}`,
        width: photo.width,
        height: photo.height,
        draggable: false,
      }),
      photo.faces.map(({ box: [x0, y0, x1, y1] }, index) =>
        h("button", {
          key: index,
          type: "button",
          class: "face-box",
          "aria-label": `Face ${index + 1} of ${photo.faces.length}`,
          "aria-pressed": index === face,
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
    many && h("p", { class: "note" }, `${photo.faces.length} faces found. Press the one you mean.`),
  );
}

/** The aligned crop, and the search for it or its outcome. @param {View & { photo: PhotoInfo }} props */
function Search(props) {
  const { state, projecting, photo } = props;
  const [steps, setSteps] = useState(1000);
  const job = jobOf(state);
  const running = runningJob(state);
  const other = running !== null && running !== job;
  const crop = photo.faces[state.face]?.crop_url;
  const model = modelOf(state);
  const grey = model?.img_channels === 1;
  return h(
    Fragment,
    null,
    h(Projection, { ...props, job, crop }),
    grey && h("p", { class: "note" }, "This model makes grey pictures, so photos cannot be searched in it."),
    running === null &&
      !grey &&
      h(
        "div",
        { class: "row" },
        h(
          "select",
          {
            class: "select",
            "aria-label": "Steps of the search",
            "data-testid": "project-steps",
            value: String(steps),
            onChange: (/** @type {{ currentTarget: HTMLSelectElement }} */ event) =>
              setSteps(Number(event.currentTarget.value)),
          },
          STEPS.map(({ steps: each, label }) => h("option", { key: each, value: String(each) }, label)),
        ),
        h(
          "button",
          {
            type: "button",
            class: job?.state === "succeeded" ? "button" : "button primary",
            "data-testid": "project",
            disabled: !crop || !model || state.connection.phase !== "open",
            onClick: () => void projecting.start(photo.id, state.face, steps),
          },
          job ? "Search again" : "Find this face",
        ),
      ),
    other && h("p", { class: "note" }, "Another search is running. This one can start when it is over."),
    h(MetricNote, { state }),
  );
}

/** @param {{ state: State }} props */
function MetricNote({ state }) {
  const perceptual = state.about?.perceptual;
  if (!perceptual) return null;
  return h(
    "p",
    { class: "note", "data-testid": "metric", title: perceptual.note },
    `Distance: ${metricName(perceptual.name)}.`,
  );
}

const TRUNKS = /** @type {Record<string, string>} */ ({
  squeeze: "SqueezeNet",
  vgg: "VGG-16",
  alex: "AlexNet",
});

/** Only a distance that is LPIPS is called so. @param {string} name */
export function metricName(name) {
  if (name.startsWith("lpips")) return `LPIPS, ${TRUNKS[name.slice(6)] ?? name.slice(6)}`;
  return name === "efficientnet-lite0" ? "EfficientNet-Lite0 features, not LPIPS" : `${name}, not LPIPS`;
}
