// Texts that are kept, as in a notice, and put into words when they are shown: in the language of that moment.

import { t, term } from "./language.js";

/** @import { MessageKey, Values } from "./language_types.js" */

/**
 * A text of a message file; the page's word for what the server names, or the server's own; words as they are;
 * or several after one another.
 * @typedef {{ key: MessageKey, values: Record<string, number | string> }
 *   | { term: string, own: KeptText } | string | KeptText[]} KeptText
 */

/**
 * What t() would say, kept until it is shown.
 * @template {MessageKey} K
 * @param {K} key
 * @param {Values<K>} values
 * @returns {KeptText}
 */
export const message = (key, ...values) => ({ key, values: values[0] ?? {} });

/** In the page's language. @param {KeptText} text @returns {string} */
export function spoken(text) {
  if (typeof text === "string") return text;
  if (Array.isArray(text)) return text.map(spoken).filter(Boolean).join(" ");
  if ("term" in text) return term(text.term, spoken(text.own));
  return t(text.key, .../** @type {Values<MessageKey>} */ ([text.values]));
}

/** Whether two say the same. @param {KeptText} a @param {KeptText} b */
export const sameText = (a, b) => JSON.stringify(a) === JSON.stringify(b);
