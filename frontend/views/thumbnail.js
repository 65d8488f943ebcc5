// A small picture of a document that is not the one being edited.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { ProblemError, render } from "../api.js";
import { t } from "../language.js";

/** @import { LoomDocument, ModelInfo } from "../messages.js" */

const WAIT_MS = 150;
/** After this long a server that did not answer is asked again. */
const AGAIN_MS = 4000;

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

/** No answer, or one that may be another soon: too much to do, restarting. @param {unknown} error */
const mayPass = (error) =>
  error instanceof ProblemError && (error.status === 0 || error.status === 429 || error.status === 503);

/** @param {{ document: LoomDocument, model: ModelInfo }} props model: the document's */
export function Thumbnail({ document, model }) {
  const [url, setUrl] = useState(/** @type {string | null} */ (null));
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const side = Math.min(LARGEST_SIDE, model.img_resolution);
  const key = JSON.stringify([document, side]);
  useEffect(() => {
    let wanted = true;
    let timer = setTimeout(async () => {
      try {
        const blob = await inTurn(document, side, () => wanted);
        if (!blob || !wanted) return;
        setUrl(URL.createObjectURL(blob));
        setFailed(false);
      } catch (error) {
        if (!wanted) return;
        setFailed(true); // said in place: the same failure of the big picture is told in full
        if (mayPass(error)) timer = setTimeout(() => setAttempt(attempt + 1), AGAIN_MS);
      }
    }, WAIT_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key, attempt]);
  // Not before another one is shown: until then the picture may still be on its way to the screen.
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
  if (failed) return h("span", { class: "thumbnail missing" }, t("thumbnail.none"));
  return url
    ? h("img", { class: "thumbnail", src: url, alt: "", draggable: false })
    : h("span", { class: "thumbnail" });
}
