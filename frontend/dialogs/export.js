// The dialog of all that can be taken away: the picture, its latent, a link, a film of the edit.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { asProblem } from "../api.js";
import { editCount, withoutEdits } from "../edits.js";
import { PLAIN_PICTURE } from "../exporting.js";
import { t } from "../language.js";
import { modelOf } from "../selectors.js";
import { Select, Switch, option } from "../views/controls.js";
import { Icon } from "../views/icons.js";
import { Dialog, Refused } from "./dialog.js";
import { FilmMaker } from "./film.js";

/** @import { ComponentChildren } from "../vendor/preact.js" */
/** @import { PictureSettings } from "../exporting.js" */
/** @import { EditMotion, LatentsRequest, PictureFormat } from "../exporting_messages.js" */
/** @import { LoomDocument, ModelInfo } from "../messages.js" */
/** @import { Refusal } from "../state.js" */
/** @import { View } from "../views/app.js" */
/** @import { IconName } from "../views/controls.js" */

const LARGEST = 4096;
const SECONDS = ["1", "2", "4", "8"];

/** What one part of the dialog is doing, and why it was refused. @typedef {{ busy: string, refusal: Refusal | null, done: string }} Doing */

/** @param {View} view */
export function Export(view) {
  const { state, store } = view;
  const model = modelOf(state);
  if (!model || !state.document) return null;
  const edited = editCount(state.document) > 0;
  return h(
    Dialog,
    {
      title: t("export.title"),
      testid: "export",
      onClose: () => store.dispatch({ type: "tools", change: { dialog: null } }),
    },
    h(
      "div",
      { class: "export" },
      h(Picture, { ...view, model }),
      h(Latents, view),
      h(LinkPart, view),
      edited && h(FilmOfEdit, { view, model }),
    ),
  );
}

/**
 * Does one thing at a time and says how it went.
 * @returns {[Doing, (name: string, act: () => Promise<unknown>, done?: string) => void]}
 */
function useDoing() {
  const [doing, setDoing] = useState(/** @type {Doing} */ ({ busy: "", refusal: null, done: "" }));
  const run = async (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ act, done = "") => {
    setDoing({ busy: name, refusal: null, done: "" });
    try {
      await act();
      setDoing({ busy: "", refusal: null, done });
    } catch (error) {
      const { title, detail, hint } = asProblem(error);
      setDoing({ busy: "", refusal: { title, detail, hint }, done: "" });
    }
  };
  return [doing, (name, act, done) => void run(name, act, done)];
}

/** @param {{ title: string, doing: Doing, children?: ComponentChildren }} props */
function Part({ title, doing, children }) {
  return h(
    "section",
    { class: "export-part", "aria-label": title },
    h("h3", null, title),
    children,
    h(Refused, { refusal: doing.refusal }),
    h("p", { class: "note export-done", role: "status" }, doing.done),
  );
}

/**
 * @param {{ icon: IconName, label: string, testid: string, doing: Doing, primary?: boolean,
 *   onClick: () => void }} props
 */
function DoButton({ icon, label, testid, doing, primary = false, onClick }) {
  return h(
    "button",
    {
      type: "button",
      class: primary ? "button primary" : "button",
      "data-testid": testid,
      disabled: doing.busy !== "",
      onClick,
    },
    doing.busy === testid ? h("span", { class: "spinner", "aria-hidden": "true" }) : h(Icon, { name: icon }),
    h("span", null, doing.busy === testid ? t("export.rendering") : label),
  );
}

/** @param {View & { model: ModelInfo }} props */
function Picture({ exporting, model }) {
  const [settings, setSettings] = useState(/** @type {PictureSettings} */ (PLAIN_PICTURE));
  const [doing, run] = useDoing();
  const change = (/** @type {Partial<PictureSettings>} */ some) => setSettings({ ...settings, ...some });
  const own = model.img_resolution;
  const sizes = [own / 4, own / 2, own, own * 2, own * 4].filter((side) => side >= 64 && side <= LARGEST);
  return h(
    Part,
    { title: t("export.picture"), doing },
    h(
      "div",
      { class: "row wrap" },
      h(Select, {
        class: "select short",
        label: t("export.format"),
        testid: "export-format",
        value: settings.format,
        options: [
          ["png", "PNG"],
          ["jpeg", "JPEG"],
          ["webp", "WebP"],
        ],
        onChange: (format) => change({ format: /** @type {PictureFormat} */ (format) }),
      }),
      h(Select, {
        class: "select short",
        label: t("export.size"),
        testid: "export-size",
        value: String(settings.size ?? own),
        options: sizes.map((side) => option(String(side), t(side === own ? "film.ownSize" : "film.pixels", { side: String(side) }))),
        onChange: (side) => change({ size: Number(side) === own ? null : Number(side) }),
      }),
      settings.format !== "png" &&
        h(
          "label",
          { class: "field short" },
          h("span", null, t("export.quality")),
          h("input", {
            type: "number",
            class: "number",
            min: 1,
            max: 100,
            step: 1,
            value: settings.quality,
            "data-testid": "export-quality",
            onChange: (event) => {
              const quality = Math.round(event.currentTarget.valueAsNumber);
              if (quality >= 1 && quality <= 100) change({ quality });
              else event.currentTarget.value = String(settings.quality);
            },
          }),
        ),
    ),
    h(Switch, {
      label: t("export.recipe"),
      hint: t("export.recipeHint"),
      testid: "export-recipe",
      checked: settings.recipe,
      onChange: (recipe) => change({ recipe }),
    }),
    h("p", { class: "note" }, settings.recipe ? t("export.recipeNote") : t("export.plainNote")),
    h(
      "div",
      { class: "row wrap" },
      h(DoButton, {
        icon: "download",
        label: t("export.download"),
        testid: "export-picture",
        doing,
        primary: true,
        onClick: () => run("export-picture", () => exporting.picture(settings)),
      }),
      h(DoButton, {
        icon: "copy",
        label: t("export.copy"),
        testid: "export-copy",
        doing,
        onClick: () => run("export-copy", () => exporting.copy(), t("export.copied")),
      }),
    ),
  );
}

/** @param {View} view */
function Latents({ exporting }) {
  const [part, setPart] = useState(/** @type {LatentsRequest["part"]} */ ("edited"));
  const [doing, run] = useDoing();
  const button = (/** @type {LatentsRequest["format"]} */ format) =>
    h(DoButton, {
      icon: "download",
      label: `.${format}`,
      testid: `export-${format}`,
      doing,
      onClick: () => run(`export-${format}`, () => exporting.latents({ part, format })),
    });
  return h(
    Part,
    { title: t("export.latents"), doing },
    h("p", { class: "note" }, t("export.latentsNote")),
    h(
      "div",
      { class: "row wrap" },
      h(Select, {
        class: "select short",
        label: t("export.part"),
        testid: "export-part",
        value: part,
        options: [
          ["edited", t("export.edited")],
          ["base", t("export.base")],
        ],
        onChange: (chosen) => setPart(chosen === "base" ? "base" : "edited"),
      }),
      button("npz"),
      button("safetensors"),
    ),
  );
}

/** @param {View} view */
function LinkPart({ exporting }) {
  const [link, setLink] = useState(/** @type {{ url: string, portable: boolean } | null} */ (null));
  const [copied, setCopied] = useState(false);
  const [doing, run] = useDoing();
  const make = async () => {
    const made = await exporting.link();
    setLink(made);
    setCopied(await navigator.clipboard?.writeText(made.url).then(() => true, () => false) ?? false);
  };
  return h(
    Part,
    { title: t("export.link"), doing },
    h("p", { class: "note" }, t("export.linkNote")),
    h(DoButton, {
      icon: "copy",
      label: t("export.makeLink"),
      testid: "export-link",
      doing,
      onClick: () => run("export-link", make),
    }),
    link &&
      h("input", {
        type: "text",
        class: "text link-text",
        readOnly: true,
        "aria-label": t("export.link"),
        "data-testid": "export-url",
        value: link.url,
        onFocus: (event) => event.currentTarget.select(),
      }),
    link &&
      h(
        "p",
        { class: "note", role: "status", "data-testid": "export-link-note" },
        copied ? t("export.linkCopied") : t("export.linkToCopy"),
        !link.portable && ` ${t("export.linkStays")}`,
      ),
  );
}

/**
 * @param {LoomDocument} start
 * @param {LoomDocument} end
 * @param {number} seconds
 * @param {boolean} back
 * @returns {EditMotion}
 */
const editMotion = (start, end, seconds, back) => ({ kind: "edit", start, end, seconds, easing: "gentle", back });

/** From the face as it was to the face as it is. @param {{ view: View, model: ModelInfo }} props */
function FilmOfEdit({ view, model }) {
  const [seconds, setSeconds] = useState("2");
  const [back, setBack] = useState(true);
  const end = view.state.document;
  if (!end) return null;
  return h(
    "div",
    { class: "export-part" },
    h(
      FilmMaker,
      {
        view,
        model,
        name: "edit",
        ready: true,
        motion: () => editMotion(withoutEdits(end), end, Number(seconds), back),
      },
      h(Select, {
        class: "select short",
        label: t("film.length"),
        testid: "edit-seconds",
        value: seconds,
        options: SECONDS.map((each) => option(each, t("film.seconds", { count: each }))),
        onChange: setSeconds,
      }),
      h(Switch, { label: t("film.back"), testid: "edit-back", checked: back, onChange: setBack }),
    ),
  );
}
