// A dialog over the page, what it says of a task under way, and why something was refused.

import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { spoken } from "../kept_text.js";
import { t, term } from "../language.js";
import { isUnderWay } from "../tasks.js";
import { IconButton } from "../views/controls.js";

/** @import { ComponentChildren } from "../vendor/preact.js" */
/** @import { Task } from "../editing_messages.js" */
/** @import { Refusal } from "../state.js" */

/** @param {{ title: string, testid: string, onClose: () => void, children?: ComponentChildren }} props */
export function Dialog({ title, testid, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const isOutside = useRef(false);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return h(
    "dialog",
    {
      ref: dialog,
      class: "chooser wide",
      "aria-labelledby": `${testid}-title`,
      "data-testid": testid,
      onClose,
      // A text that is marked with the mouse may end outside: only a press that began there closes.
      onPointerDown: (/** @type {PointerEvent} */ event) => (isOutside.current = event.target === dialog.current),
      onClick: (/** @type {MouseEvent} */ event) =>
        isOutside.current && event.target === dialog.current && onClose(),
    },
    h(
      "div",
      { class: "chooser-content" },
      h(
        "header",
        null,
        h("h2", { id: `${testid}-title` }, title),
        h("div", { class: "spacer" }),
        h(IconButton, {
          icon: "close",
          label: t("action.close"),
          testid: `${testid}-close`,
          quiet: true,
          onClick: onClose,
        }),
      ),
      children,
    ),
  );
}

/** @param {{ refusal: Refusal | null }} props */
export function Refused({ refusal }) {
  return (
    refusal &&
    h(
      "div",
      { class: "problem", role: "alert", "data-testid": "refused" },
      h("strong", null, spoken(refusal.title)),
      refusal.detail && h("p", null, spoken(refusal.detail)),
      refusal.hint && h("p", null, spoken(refusal.hint)),
    )
  );
}

/** @param {{ task: Task | null, onCancel: (task: Task) => void }} props */
export function TaskProgress({ task, onCancel }) {
  if (!task || task.state === "succeeded") return null;
  if (!isUnderWay(task)) {
    return h(
      "p",
      { class: "note", role: "status", "data-testid": "task-over" },
      task.state === "cancelled"
        ? t("task.cancelled")
        : t("task.failed", { reason: task.error?.detail ?? t("task.noReason") }),
    );
  }
  const part = task.total ? task.step / task.total : 0;
  const english = task.note && task.note[0].toUpperCase() + task.note.slice(1);
  const note = task.note ? term(`task.${task.note}`, english) : t("task.working");
  const filming = task.kind === "films" && task.total > 0;
  const working = filming ? t("film.frames", { step: task.step, total: task.total }) : note;
  const waiting = task.state === "queued" ? t("task.queued") : working;
  return h(
    "div",
    { class: "progress row", "data-testid": "task" },
    h(
      "div",
      { class: "task-state" },
      h("span", { role: "status" }, waiting),
      h(
        "div",
        {
          class: "bar",
          role: "progressbar",
          "aria-label": waiting,
          "aria-valuemin": 0,
          "aria-valuemax": task.total,
          "aria-valuenow": task.step,
        },
        h("div", { class: "bar-fill", style: { width: `${100 * part}%` } }),
      ),
    ),
    h(
      "button",
      { type: "button", class: "button", "data-testid": "task-cancel", onClick: () => onCancel(task) },
      t("action.cancel"),
    ),
  );
}
