// A picture that the server is asked for whenever what it shows has changed and rests.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { ProblemError } from "../api.js";

/** @import { KeptText } from "../kept_text.js" */
/** @template T @typedef {import("../inspection_api.js").Told<T>} Told */
/**
 * @template T
 * @typedef {object} Requested
 * @property {string} url of the newest picture; empty before the first
 * @property {T | null} said about it
 * @property {boolean} busy another one is on its way
 * @property {KeptText} problem why there is none
 */

const REST_MS = 200;

/**
 * @template T
 * @param {() => Promise<Told<T>>} ask
 * @param {string} key of what it shows
 * @returns {Requested<T>}
 */
export function useRequested(ask, key) {
  const [shown, show] = useState(
    /** @type {Requested<T>} */ ({ url: "", said: null, busy: true, problem: "" }),
  );
  const url = useRef("");
  useEffect(() => {
    let wanted = true;
    show((before) => ({ ...before, busy: true, problem: "" }));
    const timer = setTimeout(async () => {
      try {
        const { blob, said } = await ask();
        if (!wanted) return;
        URL.revokeObjectURL(url.current);
        url.current = URL.createObjectURL(blob);
        show({ url: url.current, said, busy: false, problem: "" });
      } catch (error) {
        const problem =
          error instanceof ProblemError ? [error.detail || error.title, error.hint] : String(error);
        if (wanted) show((before) => ({ ...before, busy: false, problem }));
      }
    }, REST_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key]);
  useEffect(() => () => URL.revokeObjectURL(url.current), []);
  return shown;
}
