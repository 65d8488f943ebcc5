// A small picture of a document that is not the one being edited.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { render } from "../api.js";

/** @import { LoomDocument } from "../messages.js" */

const WAIT_MS = 150;

/** Thumbnails come one after another, so that they never crowd out the face being edited. */
let queue = Promise.resolve();

/**
 * @param {LoomDocument} document
 * @param {() => boolean} isWanted asked when its turn comes
 * @returns {Promise<Blob | null>}
 */
function inTurn(document, isWanted) {
  const turn = queue.then(() => (isWanted() ? render(document, null, "jpeg") : null));
  queue = turn.then(
    () => undefined,
    () => undefined,
  );
  return turn;
}

/** @param {{ document: LoomDocument }} props */
export function Thumbnail({ document }) {
  const [url, setUrl] = useState(/** @type {string | null} */ (null));
  const [failed, setFailed] = useState(false);
  const key = JSON.stringify(document);
  useEffect(() => {
    let wanted = true;
    let made = "";
    const timer = setTimeout(async () => {
      try {
        const blob = await inTurn(document, () => wanted);
        if (!blob || !wanted) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
        setFailed(false);
      } catch {
        if (wanted) setFailed(true); // said in place: the same failure of the big picture is told in full
      }
    }, WAIT_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
      if (made) URL.revokeObjectURL(made);
    };
  }, [key]);
  if (failed) return h("span", { class: "thumbnail missing" }, "no picture");
  return url
    ? h("img", { class: "thumbnail", src: url, alt: "", draggable: false })
    : h("span", { class: "thumbnail" });
}
