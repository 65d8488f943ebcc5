// Leaving the session for a new one, after deleting all that is in it.

import { h } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import { asProblem, deleteSession } from "../api.js";
import { t } from "../language.js";
import { forgetSession } from "../visit.js";
import { Dialog, Refused } from "./dialog.js";

/** @import { Refusal } from "../state.js" */
/** @import { View } from "../views/app.js" */

/** @param {View} view */
export function StartOver({ state: { session }, directing }) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(/** @type {Refusal | null} */ (null));
  const close = () => directing.open(null);
  const start = async () => {
    if (!session) return;
    setBusy(true);
    setRefusal(null);
    try {
      await deleteSession(session);
      forgetSession();
      location.replace(location.pathname);
    } catch (error) {
      setBusy(false);
      setRefusal(asProblem(error));
    }
  };
  return h(
    Dialog,
    { title: t("startOver.title"), testid: "start-over-dialog", onClose: close },
    h("p", null, t("startOver.what")),
    h("p", { class: "note" }, t("startOver.before")),
    h(Refused, { refusal }),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "button", onClick: close }, t("startOver.keep")),
      h(
        "button",
        {
          type: "button",
          class: "button danger",
          "data-testid": "start-over-delete",
          disabled: busy || !session,
          onClick: () => void start(),
        },
        busy ? t("startOver.busy") : t("startOver.delete"),
      ),
    ),
  );
}
