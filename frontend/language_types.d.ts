// Types of the message files: which keys there are, and which values each of them needs.

import type { en } from "./languages/en.js";

export type MessageKey = keyof typeof en;

/** Every key that a language needs: "key.one" is left to those that tell one from many. */
type NeededKey = Exclude<MessageKey, `${string}.one`>;

/** Keys whose texts need no values. */
export type PlainKey = { [K in MessageKey]: [Places<(typeof en)[K]>] extends [never] ? K : never }[MessageKey];

/** The texts of a language. One key too few or too many is an error. */
export type Messages = Record<NeededKey, string>;

/** Words for what the server names in English: problem titles, attributes. */
export type Terms = Record<string, string>;

/** Keys that come as "key.one" and "key.other". */
export type PluralKey = MessageKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Places<Rest>
  : never;

/** Values for the {places} of a text: none where it has none. */
export type Values<K extends MessageKey> = [Places<(typeof en)[K]>] extends [never]
  ? []
  : [values: Record<Places<(typeof en)[K]>, number | string>];
