// Binary frames of the live socket: a 32-byte little-endian header, then the JPEG.

import { t } from "./language.js";

export const HEADER_BYTES = 32;
const MAGIC = 0x5246_4c4c; // "LLFR" read as a little-endian u32
const VERSION = 1;
const FORMATS = /** @type {Record<number, string>} */ ({ 1: "image/jpeg" });

export const PREVIEW = 1;
export const FINAL = 2;
export const PROJECTION = 3;

/**
 * @typedef {object} Frame
 * @property {number} kind PREVIEW, FINAL or PROJECTION
 * @property {number} seq the edit this picture answers; for PROJECTION, the step
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {number} renderMs time the server spent on the picture
 * @property {number} queuedMs time the edit waited before that
 * @property {bigint} job first eight bytes of the job's uuid, see jobKey; 0n for PREVIEW and FINAL
 * @property {string} mime
 * @property {Uint8Array<ArrayBuffer>} body the encoded picture
 */

/**
 * Throws a RangeError that names what is wrong with the bytes.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function parseFrame(buffer) {
  if (buffer.byteLength <= HEADER_BYTES) {
    throw new RangeError(t("frame.empty", { bytes: buffer.byteLength }));
  }
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError(t("frame.noFrame"));
  const version = view.getUint8(4);
  if (version !== VERSION) throw new RangeError(t("frame.version", { version, own: VERSION }));
  const kind = view.getUint8(5);
  if (kind < PREVIEW || kind > PROJECTION) throw new RangeError(t("frame.kind", { kind }));
  const mime = FORMATS[view.getUint8(6)];
  if (!mime) throw new RangeError(t("frame.format", { format: view.getUint8(6) }));
  return {
    kind,
    seq: view.getUint32(8, true),
    width: view.getUint16(12, true),
    height: view.getUint16(14, true),
    renderMs: view.getUint32(16, true) / 1000,
    queuedMs: view.getUint32(20, true) / 1000,
    job: view.getBigUint64(24, true),
    mime,
    body: new Uint8Array(buffer, HEADER_BYTES),
  };
}

/**
 * The number by which a frame names its job: the first eight bytes of the uuid, little-endian.
 * @param {string} uuid
 * @returns {bigint}
 */
export function jobKey(uuid) {
  const bytes = uuid.replaceAll("-", "").slice(0, 16).match(/../g) ?? [];
  return BigInt("0x" + bytes.reverse().join(""));
}
