// A link that reopens an edit: the document, compressed, behind the "#" of the page's address, which browsers
// send to nobody. Whoever opens it asks the server about the document as about any other.

/** @import { LoomDocument } from "./messages.js" */

const PREFIX = "#edit=";
/** Of what is in a link: a document takes a few hundred bytes; who writes more means no good. */
const MOST_BYTES = 64 * 1024;

/** What a link carries. @typedef {{ document: LoomDocument, generator: string }} Carried */

/** @param {string} hash location.hash */
export const isEditLink = (hash) => hash.startsWith(PREFIX);

/** @param {Carried} carried @returns {Promise<string>} what stands in the address from "#" on */
export async function linkHash(carried) {
  const text = new TextEncoder().encode(JSON.stringify(carried));
  const packed = await through(new CompressionStream("deflate-raw"), text, Infinity);
  const letters = btoa(String.fromCharCode(...packed));
  return PREFIX + letters.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * What a link carries, not checked: that is the server's part. Throws where it is damaged.
 * @param {string} hash
 * @returns {Promise<{ document: unknown, generator: string | null }>}
 */
export async function carriedBy(hash) {
  const letters = hash.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
  const packed = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const text = await through(new DecompressionStream("deflate-raw"), packed, MOST_BYTES);
  const { document, generator = null } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  return { document, generator };
}

/**
 * @param {CompressionStream | DecompressionStream} stream
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} most bytes that may come out
 */
async function through(stream, data, most) {
  const reader = new Blob([data]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parts.push(read.value);
    length += read.value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError("too long");
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
