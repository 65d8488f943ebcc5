// The history panel: the tree of all that was tried, to look at, walk through, name and prune.

import { h } from "../vendor/preact.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { branchOf, currentNode, nextOf, parentOf } from "../history.js";
import { graphOf, lineOf } from "../history_graph.js";
import { describeStep } from "../history_words.js";
import { plural, t } from "../language.js";
import { isUsable } from "../selectors.js";
import { TextField } from "./controls.js";
import { Icon } from "./icons.js";
import { Thumbnail } from "./thumbnail.js";

/** @import { GraphRow } from "../history_graph.js" */
/** @import { TreeNode } from "../history.js" */
/** @import { View } from "./app.js" */

const ROW = 52;
const LANE = 14;
/** Lanes that are told apart; more are drawn over the last one. */
const MOST_LANES = 6;
/** Rows that are drawn above and below what is seen. */
const SPARE = 3;

/** @param {View} view */
export function History(view) {
  const { history } = view.state;
  const node = currentNode(history);
  if (!node) return null;
  return h(
    "section",
    { class: "panel history", id: "history", "aria-labelledby": "history-title" },
    h(
      "header",
      null,
      h("h2", { id: "history-title" }, t("section.history")),
      h("span", { class: "note" }, plural("history.count", Object.keys(history.nodes).length)),
      h("div", { class: "spacer" }),
      h(
        "button",
        {
          type: "button",
          class: "link",
          "data-testid": "start-over",
          onClick: () => view.store.dispatch({ type: "tools", change: { dialog: "start-over", refusal: null } }),
        },
        t("startOver.open"),
      ),
    ),
    h(TreeView, view),
    h(Chosen, { ...view, node, key: node.id }),
  );
}

/** @param {View} view */
function TreeView(view) {
  const { history, models } = view.state;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const [seen, setSeen] = useState({ top: 0, height: 6 * ROW });
  const rows = graphOf(history);
  const current = rows.findIndex(({ node }) => node.id === history.current);
  useEffect(() => {
    const box = list.current;
    if (!box) return undefined;
    const look = () => setSeen({ top: box.scrollTop, height: box.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);
  useEffect(() => reveal(list.current, current), [history.current, rows.length]);
  const isShown = (/** @type {number} */ row) =>
    row === current ||
    (row * ROW > seen.top - SPARE * ROW && row * ROW < seen.top + seen.height + SPARE * ROW);
  const lanes = Math.min(MOST_LANES, 1 + Math.max(...rows.map(({ lane }) => lane)));
  return h(
    "div",
    {
      class: "tree",
      role: "tree",
      ref: list,
      "aria-labelledby": "history-title",
      "data-testid": "history",
      style: { "--lanes": `${lanes * LANE}px` },
      onKeyDown: (/** @type {KeyboardEvent} */ event) => onKey(event, view, rows, current),
    },
    h("div", { style: { height: `${rows.length * ROW}px` } }, h(Lines, { rows, lanes, isShown, current })),
    rows
      .filter(({ row }) => isShown(row))
      .map((each) => {
        const parent = parentOf(history, each.node.id);
        const words = describeStep(parent && parent.document, each.node.document, models);
        return h(Row, { ...view, ...each, words, count: rows.length, key: each.node.id });
      }),
  );
}

/** @param {{ rows: GraphRow[], lanes: number, isShown: (row: number) => boolean, current: number }} props */
function Lines({ rows, lanes, isShown, current }) {
  const within = (/** @type {number} */ lane) => Math.min(lane, lanes - 1);
  const drawn = rows
    .filter(({ row, parent }) => parent && (isShown(row) || isShown(parent.row) || row < current))
    .map((each) => ({
      ...each,
      lane: within(each.lane),
      parent: each.parent && { ...each.parent, lane: within(each.parent.lane) },
    }));
  return h(
    "svg",
    { class: "tree-lines", width: lanes * LANE, height: rows.length * ROW, "aria-hidden": "true" },
    drawn.map((each) => h("path", { key: each.node.id, d: lineOf(each, ROW, LANE) })),
    rows
      .filter(({ row }) => isShown(row))
      .map(({ node, row, lane }) =>
        h("circle", {
          key: node.id,
          class: row === current ? "here" : "",
          cx: (within(lane) + 0.5) * LANE,
          cy: (row + 0.5) * ROW,
          r: row === current ? 5 : 3.5,
        }),
      ),
  );
}

/** @param {View & GraphRow & { words: string, count: number }} props */
function Row({ state, editor, node, row, lane, words, count }) {
  const isCurrent = node.id === state.history.current;
  const model = state.models.find(({ name }) => name === node.document.model);
  const number = count - row;
  const named = node.name ? t("history.named", { name: node.name, words }) : words;
  const place = t("history.place", { number, count, branch: lane + 1 });
  return h(
    "div",
    {
      class: "tree-row",
      role: "treeitem",
      style: { top: `${row * ROW}px`, height: `${ROW}px` },
      tabIndex: isCurrent ? 0 : -1,
      "aria-level": lane + 1,
      "aria-selected": isCurrent,
      "aria-current": isCurrent ? "step" : undefined,
      "aria-label": `${named}. ${place}`,
      "data-testid": "history-node",
      "data-node": node.id,
      "data-fate": node.fate,
      onClick: () => editor.go(node.id),
    },
    model && isUsable(model)
      ? h(WhenSeen, null, h(Thumbnail, { document: node.document, model }))
      : h("span", { class: "thumbnail" }),
    h(
      "span",
      { class: "tree-words" },
      h("span", null, node.name || words),
      node.name && h("small", null, words),
      node.fate === "refused" && h("small", { class: "refused" }, t("history.refused")),
    ),
  );
}

/**
 * What is rendered once it comes into view, and stays then.
 * @param {{ children?: import("../vendor/preact.js").ComponentChildren }} props
 */
function WhenSeen({ children }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (seen || !place.current) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [seen]);
  return h(
    "span",
    { class: "tree-picture", ref: place },
    seen ? children : h("span", { class: "thumbnail" }),
  );
}

/**
 * The name of the step that one stands on, comparing with it, and deleting it.
 * @param {View & { node: TreeNode }} props
 */
function Chosen({ state, store, editor, node }) {
  const [asked, setAsked] = useState(false);
  const { history, comparison } = state;
  const steps = branchOf(history, node.id).length;
  const compared = comparison.node === node.id;
  return h(
    "div",
    { class: "history-chosen" },
    h(TextField, {
      class: "text-field",
      maxLength: 80,
      value: node.name,
      placeholder: t("history.nameIt"),
      label: t("history.nameIt"),
      testid: "history-name",
      onChange: (name) => editor.remembering.name(node.id, name),
    }),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-pressed": compared,
        "aria-label": t("history.compare"),
        title: t("history.compare"),
        "data-testid": "history-compare",
        onClick: () => store.dispatch({ type: "comparison", change: { node: compared ? null : node.id } }),
      },
      h(Icon, { name: "compare" }),
    ),
    h(
      "button",
      {
        type: "button",
        class: asked ? "button danger" : "icon-button",
        disabled: parentOf(history, node.id) === null,
        "aria-label": asked ? plural("history.deleteSure", steps) : t("history.delete"),
        title: t("history.delete"),
        "data-testid": "history-delete",
        onClick: () => (asked ? void editor.cut(node.id) : setAsked(true)),
        onBlur: () => setAsked(false),
      },
      asked ? plural("history.deleteSure", steps) : h(Icon, { name: "close" }),
    ),
  );
}

/**
 * Up and down through the rows, left and right as undo and redo.
 * @param {KeyboardEvent} event
 * @param {View} view
 * @param {GraphRow[]} rows
 * @param {number} current
 */
function onKey(event, { editor, state: { history } }, rows, current) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const to = {
    ArrowUp: rows[current - 1]?.node,
    ArrowDown: rows[current + 1]?.node,
    ArrowLeft: parentOf(history, history.current ?? ""),
    ArrowRight: nextOf(history),
    Home: rows[0].node,
    End: rows[rows.length - 1].node,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to) editor.go(to.id);
}

/** The row comes into view, and keeps the focus that another row had. @param {HTMLElement | null} list
 * @param {number} row */
function reveal(list, row) {
  if (!list || row < 0) return;
  if (row * ROW < list.scrollTop) list.scrollTop = row * ROW;
  else if ((row + 1) * ROW > list.scrollTop + list.clientHeight)
    list.scrollTop = (row + 1) * ROW - list.clientHeight;
  const focused = document.activeElement;
  const lost = focused !== null && focused !== list && list.contains(focused);
  if (lost)
    /** @type {HTMLElement | null} */ (list.querySelector('[aria-selected="true"]'))?.focus({
      preventScroll: true,
    });
}
