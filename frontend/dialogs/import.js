// Bringing a direction along as a file: an InterFaceGAN boundary, or one that was exported here.

import { h } from "../vendor/preact.js";
import { useRef, useState } from "../vendor/hooks.js";
import { Select } from "../views/controls.js";

/** @import { View } from "../views/app.js" */

const SPACES = /** @type {[string, string][]} */ ([
  ["W", "in W"],
  ["Z", "in Z"],
]);

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
    h("summary", null, "Import a file"),
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
        "A boundary as InterFaceGAN keeps them (.npy), or a direction exported here (.safetensors). ",
        "A .npy does not say whether it is in W or in Z: you must.",
      ),
      h("input", {
        ref: input,
        type: "file",
        accept: ".npy,.safetensors",
        required: true,
        "aria-label": "File of the direction",
        "data-testid": "import-file",
        onChange: choose,
      }),
      h(
        "div",
        { class: "row wrap" },
        h(
          "label",
          { class: "field" },
          h("span", null, "Name"),
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
          label: "Space it is in",
          testid: "import-space",
          value: space,
          options: SPACES,
          onChange: setSpace,
        }),
        h(
          "label",
          { class: "field short" },
          h("span", null, "Layers"),
          h("input", {
            type: "text",
            placeholder: "all",
            pattern: "[0-9, \\-]*",
            title: "Such as 4-7 or 0, 1, 5; empty: all",
            value: layers,
            "data-testid": "import-layers",
            onInput: (event) => setLayers(event.currentTarget.value),
          }),
        ),
        h("button", { type: "submit", class: "button", "data-testid": "import-start" }, "Import"),
      ),
      done && h("p", { class: "note", role: "status" }, `${done} is a slider now.`),
    ),
  );
}
