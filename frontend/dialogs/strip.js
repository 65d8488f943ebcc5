// A row of pictures along a direction that is not saved yet.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { candidateStrip } from "../edits_api.js";

/** @import { LoomDocument } from "../messages.js" */

const WAIT_MS = 80;

/** Strips come one after another; those that nobody waits for any more are left out. */
let queue = Promise.resolve();

/**
 * The pictures before stay until the new ones are there.
 * @param {{ task: string, candidate: number, document: LoomDocument, strengths: number[], side: number,
 *   layers: number[] | null }} props
 */
export function Strip({ task, candidate, document, strengths, side, layers }) {
  const [url, setUrl] = useState("");
  const [problem, setProblem] = useState("");
  const key = JSON.stringify([task, candidate, document, strengths, side, layers]);
  useEffect(() => {
    let wanted = true;
    const asked = { document, strengths, resolution: side, layers };
    const draw = async () => {
      if (!wanted) return;
      try {
        const blob = await candidateStrip(task, candidate, asked);
        if (!wanted) return;
        setUrl(URL.createObjectURL(blob));
        setProblem("");
      } catch (error) {
        if (wanted) setProblem(/** @type {Error} */ (error).message);
      }
    };
    const timer = setTimeout(() => {
      if (strengths.length === 1)
        void draw(); // what a hand moves waits for nothing
      else queue = queue.then(draw);
    }, WAIT_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const shape = { class: "strip", style: { aspectRatio: String(strengths.length) } };
  if (problem) return h("span", { ...shape, class: "strip missing" }, problem);
  return url
    ? h("img", {
        ...shape,
        src: url,
        alt: "",
        draggable: false,
        "data-testid": strengths.length === 1 ? "trial-picture" : "strip",
      })
    : h("span", shape);
}
