// Parts of the page whose code is fetched when they are first shown.

import { useEffect, useState } from "../vendor/hooks.js";
import { ProblemError } from "../api.js";
import { message } from "../kept_text.js";

/** @import { Editor } from "../editor.js" */

/**
 * What a name stands for, once its code is there; null before. Where it does not come, that is told, and what
 * was to be shown is closed again: so it can be opened once more.
 * @template {string} Name
 * @template View
 * @param {Name | null} name of what is to be shown; null: nothing
 * @param {Record<Name, () => Promise<View>>} loaders
 * @param {{ editor: Editor, onFailed: () => void }} how
 * @returns {View | null}
 */
export function useOnDemand(name, loaders, { editor, onFailed }) {
  const [loaded, setLoaded] = useState(/** @type {Partial<Record<Name, View>>} */ ({}));
  useEffect(() => {
    if (name === null || name in loaded) return;
    loaders[name]().then(
      (view) => setLoaded((before) => ({ ...before, [name]: view })),
      () => {
        editor.report(new ProblemError({ title: message("error.codeMissing"), hint: message("error.unreachableHint") }));
        onFailed();
      },
    );
  }, [name]);
  return name === null ? null : (loaded[name] ?? null);
}
