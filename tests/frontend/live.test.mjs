// frontend/live.js: what is sent when, which frames are drawn, and how the connection comes back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FINAL, PREVIEW, PROJECTION } from "../../frontend/frame.js";
import { Live, UNKNOWN_SESSION } from "../../frontend/live.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {number} kind @param {number} seq */
function frame(kind, seq) {
  const buffer = new ArrayBuffer(34);
  const view = new DataView(buffer);
  new Uint8Array(buffer).set([0x4c, 0x4c, 0x46, 0x52, 1, kind, 1]);
  view.setUint32(8, seq, true);
  return buffer;
}

/** A browser whose sockets, timers and animation frames move only when told. */
function browser() {
  const page = {
    sockets: [],
    timers: new Map(),
    callbacks: [],
    decoding: [],
    clock: 0,
    drawn: [],
    closed: [],
    messages: [],
    phases: [],
    bad: [],
    decoded: [],
    attempts: [],
    sessionFails: false,
    decodeFails: false,
    nextFrame() {
      for (const callback of page.callbacks.splice(0)) callback();
    },
    /** @param {number} ms */
    pass(ms) {
      page.clock += ms;
      for (const [id, timer] of [...page.timers]) {
        if (timer.due <= page.clock && page.timers.delete(id)) timer.callback();
      }
    },
    sent: (socket = page.sockets.at(-1)) => socket.sent.map((text) => JSON.parse(text)),
  };
  let timer = 0;
  const host = {
    connect: (session) => {
      const socket = { session, sent: [], send: (text) => socket.sent.push(text) };
      page.sockets.push(socket);
      return socket;
    },
    onNextFrame: (callback) => page.callbacks.push(callback),
    setTimer: (callback, ms) => (page.timers.set(++timer, { callback, due: page.clock + ms }), timer),
    clearTimer: (id) => page.timers.delete(id),
    now: () => page.clock,
    random: () => 0.5,
    decode: async ({ seq }) => {
      page.decoded.push(seq);
      if (page.decodeFails) throw new Error("not a picture");
      const picture = { seq, close: () => page.closed.push(seq) };
      await page.decoding[seq];
      return picture;
    },
  };
  const live = new Live(host, {
    session: async (attempt) => {
      page.attempts.push(attempt);
      if (page.sessionFails) throw new Error("unreachable");
      return "s";
    },
    onConnection: (phase, _, reason) => page.phases.push(reason ? `${phase}: ${reason.message}` : phase),
    onUnknownSession: () => page.messages.push("unknown session"),
    onMessage: (message) => page.messages.push(message.type),
    onSent: () => {},
    onPicture: ({ kind, seq }) => page.drawn.push([kind, seq]),
    onBadFrame: (error) => page.bad.push(error.message),
  });
  return { page, live };
}

async function connected() {
  const { page, live } = browser();
  await live.start();
  page.sockets[0].onmessage({ data: JSON.stringify({ type: "hello", jobs: [] }) });
  const receive = async (data) => {
    page.sockets.at(-1).onmessage({ data });
    await settled();
  };
  return { page, live, receive };
}

test("of all edits before an animation frame only the newest is sent", async () => {
  const { page, live } = await connected();
  for (let seed = 0; seed < 50; seed++) live.edit({ seed }, "preview");
  page.nextFrame();
  page.nextFrame();
  assert.deepEqual(page.sent(), [{ type: "edit", seq: 1, document: { seed: 49 }, quality: "preview" }]);
});

test("a slider that stands still for 120 ms is sent in full quality", async () => {
  const { page, live } = await connected();
  live.edit({ seed: 1 }, "preview");
  page.nextFrame();
  page.pass(119);
  page.nextFrame();
  assert.equal(page.sent().length, 1);
  page.pass(1);
  page.nextFrame();
  assert.deepEqual(page.sent()[1], { type: "edit", seq: 2, document: { seed: 1 }, quality: "final" });
});

test("a slider that is let go is sent in full quality at once, and not again", async () => {
  const { page, live } = await connected();
  live.edit({ seed: 1 }, "preview");
  live.edit({ seed: 1 }, "final");
  page.nextFrame();
  page.pass(500);
  page.nextFrame();
  assert.deepEqual(
    page.sent().map(({ quality }) => quality),
    ["final"],
  );
});

test("a frame is acknowledged after it is drawn, not before", async () => {
  const { page, receive } = await connected();
  await receive(frame(PREVIEW, 1));
  assert.deepEqual(page.sent(), []);
  page.nextFrame();
  assert.deepEqual(page.drawn, [[PREVIEW, 1]]);
  assert.deepEqual(page.sent(), [{ type: "ack", seq: 1 }]);
});

test("a frame older than the one drawn last is not even decoded, but acknowledged", async () => {
  const { page, receive } = await connected();
  await receive(frame(FINAL, 5));
  page.nextFrame();
  await receive(frame(PREVIEW, 4));
  page.nextFrame();
  assert.deepEqual([page.drawn, page.decoded], [[[FINAL, 5]], [5]]);
  assert.deepEqual(page.sent(), [
    { type: "ack", seq: 5 },
    { type: "ack", seq: 4 },
  ]);
});

test("a frame that is overtaken while it is decoded is not drawn over the newer one", async () => {
  const { page, receive } = await connected();
  let decoded = () => {};
  page.decoding[1] = new Promise((resolve) => (decoded = resolve));
  await receive(frame(PREVIEW, 1));
  await receive(frame(FINAL, 2));
  page.nextFrame();
  decoded();
  await settled();
  page.nextFrame();
  assert.deepEqual(page.drawn, [[FINAL, 2]]);
  assert.deepEqual(page.closed, [1]);
  assert.deepEqual(page.sent(), [
    { type: "ack", seq: 2 },
    { type: "ack", seq: 1 },
  ]);
});

test("the final picture of an edit may follow its preview", async () => {
  const { page, receive } = await connected();
  for (const kind of [PREVIEW, FINAL]) {
    await receive(frame(kind, 1));
    page.nextFrame();
  }
  assert.deepEqual(page.drawn, [
    [PREVIEW, 1],
    [FINAL, 1],
  ]);
});

test("a picture of a projection is drawn whatever its step, and not acknowledged", async () => {
  const { page, receive } = await connected();
  await receive(frame(FINAL, 90));
  page.nextFrame();
  await receive(frame(PROJECTION, 10));
  page.nextFrame();
  assert.deepEqual(page.drawn, [
    [FINAL, 90],
    [PROJECTION, 10],
  ]);
  assert.deepEqual(page.sent(), [{ type: "ack", seq: 90 }]);
});

test("a picture that cannot be decoded is told of and acknowledged, so that the next ones come", async () => {
  const { page, receive } = await connected();
  page.decodeFails = true;
  await receive(frame(FINAL, 1));
  assert.deepEqual(page.bad, ["not a picture"]);
  assert.deepEqual(page.sent(), [{ type: "ack", seq: 1 }]);
});

test("bytes that are no frame are told of and nothing is drawn", async () => {
  const { page, receive } = await connected();
  await receive(new ArrayBuffer(7));
  page.nextFrame();
  assert.equal(page.bad.length, 1);
  assert.deepEqual(page.drawn, []);
});

test("an edit made before the server says hello is sent after it", async () => {
  const { page, live } = browser();
  await live.start();
  live.edit({ seed: 1 }, "final");
  page.nextFrame();
  assert.deepEqual(page.sent(), []);
  page.sockets[0].onmessage({ data: JSON.stringify({ type: "hello", jobs: [] }) });
  page.nextFrame();
  assert.equal(page.sent()[0].document.seed, 1);
});

test("after a lost connection the document is sent again, in full quality and with a new number", async () => {
  const { page, live } = await connected();
  live.edit({ seed: 1 }, "final");
  page.nextFrame();
  page.sockets[0].onclose({ code: 1006 });
  live.edit({ seed: 2 }, "preview");
  page.nextFrame();
  page.pass(1000);
  await settled();
  assert.equal(page.sockets.length, 2);
  page.sockets[1].onmessage({ data: JSON.stringify({ type: "hello", jobs: [] }) });
  page.nextFrame();
  assert.deepEqual(page.sent(), [{ type: "edit", seq: 2, document: { seed: 2 }, quality: "final" }]);
  assert.deepEqual(page.phases, ["connecting", "open", "lost", "lost", "open"]);
});

test("a frame of the connection before is drawn, but not acknowledged on the new one", async () => {
  const { page, receive } = await connected();
  await receive(frame(FINAL, 1));
  page.sockets[0].onclose({ code: 1006 });
  page.pass(1000);
  await settled();
  page.sockets[1].onmessage({ data: JSON.stringify({ type: "hello", jobs: [] }) });
  page.nextFrame();
  assert.deepEqual(page.drawn, [[FINAL, 1]]);
  assert.deepEqual(page.sent(page.sockets[1]), []);
});

test("tries to reconnect come later and later, but never more than five seconds apart", async () => {
  const { page } = await connected();
  page.sessionFails = true;
  page.sockets[0].onclose({ code: 1006 });
  const waits = [];
  for (let i = 0; i < 8; i++) {
    const [{ due }] = page.timers.values();
    waits.push(due - page.clock);
    page.pass(due - page.clock);
    await settled();
  }
  assert.deepEqual(waits, [400, 800, 1600, 3200, 4000, 4000, 4000, 4000]);
  assert.deepEqual(page.attempts, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("why there is no session to connect to is told with every try, until there is one", async () => {
  const { page, live } = browser();
  page.sessionFails = true;
  await live.start();
  page.sessionFails = false;
  page.pass(1000);
  await settled();
  page.sockets[0].onclose({ code: 1006 });
  assert.deepEqual(page.phases, ["connecting", "lost: unreachable", "lost: unreachable", "lost"]);
});

test("a session that the server does not know is replaced at once, without a word", async () => {
  const { page, live } = browser();
  await live.start();
  page.sockets[0].onclose({ code: UNKNOWN_SESSION });
  page.pass(0);
  await settled();
  assert.deepEqual(page.messages, ["unknown session"]);
  assert.equal(page.sockets.length, 2);
  assert.ok(!page.phases.slice(0, -1).includes("lost"), page.phases.join());
});

test("trying now does not wait, and leaves no second try behind", async () => {
  const { page, live } = await connected();
  page.sockets[0].onclose({ code: 1006 });
  await live.start();
  assert.equal(page.sockets.length, 2);
  assert.equal(page.timers.size, 0);
});

test("of a search's pictures that come while nothing is drawn only the newest is kept", async () => {
  const { page, receive } = await connected();
  for (const step of [10, 20, 30]) await receive(frame(PROJECTION, step));
  assert.deepEqual(page.closed, [10, 20]);
  page.nextFrame();
  assert.deepEqual(page.drawn, [[PROJECTION, 30]]);
  await receive(frame(PROJECTION, 40));
  page.nextFrame();
  assert.deepEqual(page.drawn.at(-1), [PROJECTION, 40]);
});

test("a try that is asked for while another waits for its session is the same try", async () => {
  const { page, live } = browser();
  await Promise.all([live.start(), live.start()]);
  assert.deepEqual([page.attempts, page.sockets.length], [[0], 1]);
});
