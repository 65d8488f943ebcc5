// Bringing a direction along as a file: an InterFaceGAN boundary, or one that was exported here.

import { h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { t } from "../language.js";
import { Select } from "../views/controls.js";

/** @import { View } from "../views/app.js" */

/** @param {{ directing: View["directing"] }} props */
export function ImportDirection({ directing }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [name, setName] = useState("");
  const [space, setSpace] = useState("W");
  const [layers, setLayers] = useState("");
  const [done, setDone] = useState("");
  const choose = () => {
    const chosen = input.current?.files?.[0] ?? null;
    setFile(chosen);
    setDone("");
    if (chosen) setName(chosen.name.replace(/\.[^.]*$/, "").slice(0, 80));
  };
  return h(
    "details",
    { class: "more", "data-testid": "import" },
    h("summary", null, t("import.title")),
    h(
      "form",
      {
        onSubmit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          if (file && (await directing.import(file, { name: name.trim(), space, layers }))) setDone(name);
        },
      },
      h(
        "p",
        { class: "note" },
        t("import.about"),
      ),
      h("input", {
        ref: input,
        type: "file",
        accept: ".npy,.safetensors",
        required: true,
        "aria-label": t("import.file"),
        "data-testid": "import-file",
        onChange: choose,
      }),
      h(
        "div",
        { class: "row wrap" },
        h(
          "label",
          { class: "field" },
          h("span", null, t("import.name")),
          h("input", {
            type: "text",
            maxLength: 80,
            required: true,
            pattern: ".*\\S.*",
            value: name,
            "data-testid": "import-name",
            onInput: (event) => setName(event.currentTarget.value),
          }),
        ),
        h(Select, {
          class: "select short",
          label: t("import.space"),
          testid: "import-space",
          value: space,
          options: [
            ["W", t("import.inW")],
            ["Z", t("import.inZ")],
          ],
          onChange: setSpace,
        }),
        h(
          "label",
          { class: "field short" },
          h("span", null, t("import.layers")),
          h("input", {
            type: "text",
            placeholder: t("import.allLayers"),
            pattern: "[0-9, \\-]*",
            title: t("import.layersHint"),
            value: layers,
            "data-testid": "import-layers",
            onInput: (event) => setLayers(event.currentTarget.value),
          }),
        ),
        h("button", { type: "submit", class: "button", "data-testid": "import-start" }, t("import.start")),
      ),
      done && h("p", { class: "note", role: "status" }, t("import.done", { name: done })),
    ),
  );
}
