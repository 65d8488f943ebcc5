// What a file that somebody brings is for: a picture with a recipe, a latent, or a photo. A guess from its first
// bytes and the mark that a recipe has; the server looks for itself.

/** @typedef {"recipe" | "latent" | "photo"} FileKind */

/** Where server/recipes/containers.py puts a recipe, by how the file begins. @type {[string, string][]} */
const MARKS = [
  ["\x89PNG", "loOm"],
  ["\xff\xd8\xff", "LatentLoom\0"],
  ["RIFF", "LOOM"],
];
const LATENT_NAME = /\.(npz|safetensors)$/i;
const ZIP = "PK\x03\x04";

/** @param {Uint8Array} bytes @param {string} name @returns {FileKind} */
export function kindOf(bytes, name) {
  const text = new TextDecoder("latin1").decode(bytes); // windows-1252 in truth; the marks read the same in it
  const letters = (/** @type {number} */ count) => String.fromCharCode(...bytes.subarray(0, count));
  if (LATENT_NAME.test(name) || letters(4) === ZIP) return "latent";
  const mark = MARKS.find(([start]) => letters(start.length) === start)?.[1];
  return mark && text.includes(mark) ? "recipe" : "photo";
}
