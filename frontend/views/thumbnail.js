// A small picture of a document that is not the one being edited.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { render } from "../api.js";
import { t } from "../language.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */

const WAIT_MS = 150;

/** Thumbnails come one after another, so that they never crowd out the face being edited. */
let queue = Promise.resolve();

/** No larger than it is shown: in full, a large model's would take seconds each. */
const LARGEST_SIDE = 128;

/**
 * @param {LoomDocument} document
 * @param {number} side
 * @param {() => boolean} isWanted asked when its turn comes
 * @returns {Promise<Blob | null>}
 */
function inTurn(document, side, isWanted) {
  const turn = queue.then(() => (isWanted() ? render(document, side, "jpeg") : null));
  queue = turn.then(
    () => undefined,
    () => undefined,
  );
  return turn;
}

/** @param {{ document: LoomDocument, model: ModelInfo }} props model: the document's */
export function Thumbnail({ document, model }) {
  const [url, setUrl] = useState(/** @type {string | null} */ (null));
  const [failed, setFailed] = useState(false);
  const side = Math.min(LARGEST_SIDE, model.img_resolution);
  const key = JSON.stringify([document, side]);
  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(async () => {
      try {
        const blob = await inTurn(document, side, () => wanted);
        if (!blob || !wanted) return;
        setUrl(URL.createObjectURL(blob));
        setFailed(false);
      } catch {
        if (wanted) setFailed(true); // said in place: the same failure of the big picture is told in full
      }
    }, WAIT_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key]);
  // Not before another one is shown: until then the picture may still be on its way to the screen.
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
  if (failed) return h("span", { class: "thumbnail missing" }, t("thumbnail.none"));
  return url
    ? h("img", { class: "thumbnail", src: url, alt: "", draggable: false })
    : h("span", { class: "thumbnail" });
}
