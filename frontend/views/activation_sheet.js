// Channels of one layer, of the document on the page: all of them by pages, or one large.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { activations } from "../inspection_api.js";
import { spoken } from "../kept_text.js";
import { formatNumber, t } from "../language.js";
import { convolutionsOf, sideOf } from "../layer_names.js";
import { IconButton, Select, option } from "./controls.js";
import { useRequested } from "./requested.js";

/** @import { Look, Sheet } from "../inspection_api.js" */
/** @import { LoomDocument, ModelInfo } from "../messages.js" */

/** @typedef {{ document: LoomDocument, model: ModelInfo }} SheetProps */
/** What is on the picture, and how it was asked for. @typedef {Sheet & { look: Look }} Seen */

const COUNTS = [1, 4, 16, 36, 64];
const DEVIATIONS = [1, 2, 3, 5];
/** Enough for the width of a panel on a sharp screen. */
const SIDE = 720;

/** @type {Look} */
const FIRST_LOOK = {
  layer: 4,
  first: 0,
  count: 16,
  order: "number",
  shown: "maps",
  scope: "channel",
  spread: "range",
  deviations: 3,
  side: SIDE,
};

/** @param {SheetProps} props */
export function ActivationSheet({ document, model }) {
  const [wished, wish] = useState(FIRST_LOOK);
  const [page, keepPage] = useState(/** @type {Look | null} */ (null)); // that a single channel was chosen from
  const look = { ...wished, layer: Math.min(wished.layer, convolutionsOf(model) - 1) };
  const { url, said, busy, problem } = useRequested(
    async () => {
      const { blob, said: sheet } = await activations(document, look);
      return { blob, said: { ...sheet, look } };
    },
    JSON.stringify([document, look]),
  );
  const change = (/** @type {Partial<Look>} */ change) => wish({ ...look, ...change });
  return h(
    "div",
    { class: "activations" },
    h(Choices, {
      look,
      model,
      change: (part) => {
        keepPage(null);
        change(part);
      },
    }),
    h(
      "div",
      { class: busy ? "sheet busy-picture" : "sheet" },
      url &&
        h("img", {
          src: url,
          alt: t("activations.picture", { layer: look.layer }),
          "data-testid": "activations",
          "data-busy": busy ? "1" : "0",
        }),
      said &&
        h(Tiles, {
          sheet: said,
          onTile: (index) => {
            keepPage(said.look);
            wish({ ...said.look, first: said.look.first + index, count: 1 });
          },
        }),
    ),
    problem && h("p", { class: "problem", role: "status" }, spoken(problem)),
    !problem && !said && h("p", { class: "note", role: "status" }, t("activations.computing")),
    said &&
      h(Pages, {
        sheet: said,
        onFirst: (first) => change({ first }),
        onBack: page
          ? () => {
              keepPage(null);
              wish(page);
            }
          : null,
      }),
    said && h(Legend, { sheet: said }),
  );
}

/** @param {{ look: Look, model: ModelInfo, change: (change: Partial<Look>) => void }} props */
function Choices({ look, model, change }) {
  const layers = Array.from({ length: convolutionsOf(model) }, (_, layer) =>
    option(String(layer), t("noise.layer", { layer, side: String(sideOf(layer)) })),
  );
  const spread = look.spread === "range" ? "range" : String(look.deviations);
  return h(
    "div",
    { class: "choices" },
    h(Choice, {
      label: t("activations.layer"),
      testid: "activations-layer",
      value: String(look.layer),
      options: layers,
      onChange: (value) => change({ layer: Number(value), first: 0 }),
    }),
    h(Choice, {
      label: t("activations.channels"),
      testid: "activations-count",
      value: String(look.count),
      options: COUNTS.map((count) => option(String(count), formatNumber(count))),
      onChange: (value) =>
        change({ count: Number(value), first: look.first - (look.first % Number(value)) }),
    }),
    h(Choice, {
      label: t("activations.order"),
      testid: "activations-order",
      value: look.order,
      options: [option("number", t("activations.byNumber")), option("strength", t("activations.byStrength"))],
      onChange: (value) => change({ order: value === "strength" ? "strength" : "number", first: 0 }),
    }),
    h(Choice, {
      label: t("activations.shown"),
      testid: "activations-shown",
      value: look.shown,
      options: [option("maps", t("activations.maps")), option("spectra", t("activations.spectra"))],
      onChange: (value) => change({ shown: value === "spectra" ? "spectra" : "maps" }),
    }),
    h(Choice, {
      label: t("activations.scope"),
      testid: "activations-scope",
      value: look.scope,
      options: [option("channel", t("activations.eachChannel")), option("layer", t("activations.wholeLayer"))],
      onChange: (value) => change({ scope: value === "layer" ? "layer" : "channel" }),
    }),
    h(Choice, {
      label: t("activations.spread"),
      testid: "activations-spread",
      value: spread,
      options: [
        option("range", t("activations.range")),
        ...DEVIATIONS.map((count) => option(String(count), t("activations.deviations", { count }))),
      ],
      onChange: (value) =>
        change(
          value === "range" ? { spread: "range" } : { spread: "deviations", deviations: Number(value) },
        ),
    }),
  );
}

/** @param {Parameters<typeof Select>[0]} props */
const Choice = (props) =>
  h("div", { class: "choice" }, h("span", { "aria-hidden": "true" }, props.label), h(Select, props));

/** A press on a tile shows its channel large. @param {{ sheet: Sheet, onTile: (index: number) => void }} props */
function Tiles({ sheet, onTile }) {
  if (sheet.channels.length === 1) return null;
  return h(
    "div",
    { class: "tiles", style: { "--columns": `${sheet.columns}` } },
    sheet.channels.map((channel, index) =>
      h("button", {
        key: index,
        type: "button",
        "aria-label": t("activations.enlarge", { channel }),
        title: describe(sheet, index),
        "data-testid": `activation-${index}`,
        onClick: () => onTile(index),
      }),
    ),
  );
}

/**
 * @param {{ sheet: Seen, onFirst: (first: number) => void, onBack: (() => void) | null }} props
 */
function Pages({ sheet, onFirst, onBack }) {
  const { look } = sheet;
  const last = look.first + sheet.channels.length - 1;
  const said =
    look.count === 1
      ? t("activations.oneOf", { channel: sheet.channels[0], total: sheet.total })
      : t("activations.someOf", { first: look.first + 1, last: last + 1, total: sheet.total });
  return h(
    "div",
    { class: "row pages" },
    h(IconButton, {
      icon: "previous",
      label: t("activations.previous"),
      testid: "activations-previous",
      disabled: look.first === 0,
      onClick: () => onFirst(Math.max(0, look.first - look.count)),
    }),
    h("span", { "data-testid": "activations-page" }, said),
    h(
      "span",
      { class: "turned" },
      h(IconButton, {
        icon: "previous",
        label: t("activations.next"),
        testid: "activations-next",
        disabled: last + 1 >= sheet.total,
        onClick: () => onFirst(look.first + look.count),
      }),
    ),
    onBack &&
      h(
        "button",
        { type: "button", class: "link", "data-testid": "activations-back", onClick: onBack },
        t("activations.back"),
      ),
  );
}

/** Which number has which colour, where that is one thing. @param {{ sheet: Seen }} props */
function Legend({ sheet }) {
  const { look } = sheet;
  const one = new Set(sheet.low).size === 1 && new Set(sheet.high).size === 1;
  if (!one) return h("p", { class: "note" }, t("activations.ownColours"));
  return h(
    "div",
    { class: `legend ${look.spread}` },
    h("span", null, number(sheet.low[0])),
    h("span", { class: "ramp", "aria-hidden": "true" }),
    h("span", null, look.shown === "spectra" ? `${number(sheet.high[0])} dB` : number(sheet.high[0])),
  );
}

/** @param {Sheet} sheet @param {number} index */
const describe = (sheet, index) =>
  t("activations.channel", {
    channel: sheet.channels[index],
    low: number(sheet.low[index]),
    high: number(sheet.high[index]),
  });

/** @param {number} value */
const number = (value) => formatNumber(value, { maximumSignificantDigits: 3 });
