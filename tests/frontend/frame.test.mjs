// frontend/frame.js: the header of a binary frame, byte by byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FINAL, HEADER_BYTES, PROJECTION, jobKey, parseFrame } from "../../frontend/frame.js";

// struct.pack("<4sBBBBIHHIIQ", b"LLFR", 1, 3, 1, 0, 70000, 128, 64, 12500, 1500, 0x8877665544332211) +
// b"\xff\xd8"
const GOLDEN =
  "4c4c4652" + "01030100" + "70110100" + "80004000" + "d4300000" + "dc050000" + "1122334455667788" + "ffd8";

/** @param {string} hex */
const bytes = (hex) => new Uint8Array(hex.match(/../g).map((pair) => parseInt(pair, 16))).buffer;

/** @param {number} at @param {string} hex */
const changed = (at, hex) => bytes(GOLDEN.slice(0, 2 * at) + hex + GOLDEN.slice(2 * at + hex.length));

test("every field of a header packed by the server is read", () => {
  const { body, ...rest } = parseFrame(bytes(GOLDEN));
  assert.deepEqual(rest, {
    kind: PROJECTION,
    seq: 70000,
    width: 128,
    height: 64,
    renderMs: 12.5,
    queuedMs: 1.5,
    job: 0x8877665544332211n,
    mime: "image/jpeg",
  });
  assert.deepEqual([...body], [0xff, 0xd8]);
});

test("the job of a frame is the first eight bytes of the job's uuid", () => {
  assert.equal(jobKey("11223344-5566-7788-99aa-bbccddeeff00"), parseFrame(bytes(GOLDEN)).job);
});

test("a sequence number uses all its 32 bits", () => {
  assert.equal(parseFrame(changed(8, "ffffffff")).seq, 2 ** 32 - 1);
});

test("a final picture is told from a preview", () => {
  assert.equal(parseFrame(changed(5, "02")).kind, FINAL);
});

for (const [what, frame] of /** @type {[string, ArrayBuffer][]} */ ([
  ["another magic", changed(0, "4c4c4653")],
  ["another version", changed(4, "02")],
  ["kind 0", changed(5, "00")],
  ["kind 4", changed(5, "04")],
  ["an unknown format", changed(6, "09")],
  ["no picture behind the header", bytes(GOLDEN).slice(0, HEADER_BYTES)],
  ["half a header", bytes(GOLDEN).slice(0, 10)],
  ["nothing at all", new ArrayBuffer(0)],
])) {
  test(`a frame with ${what} is refused`, () => assert.throws(() => parseFrame(frame), RangeError));
}
