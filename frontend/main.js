// Puts the page together and starts it.

import { h, render } from "./vendor/preact.js";
import { Choosing } from "./choosing.js";
import { Collecting } from "./collecting.js";
import { Directing } from "./directing.js";
import { Editor } from "./editor.js";
import { Exporting } from "./exporting.js";
import { rememberExploring } from "./exploring.js";
import { startLanguage } from "./language.js";
import { Projecting } from "./projecting.js";
import { Screen } from "./screen.js";
import { listenToKeys } from "./shortcuts.js";
import { createStore } from "./state.js";
import { Trial } from "./trying.js";
import { App } from "./views/app.js";

const scheme = location.protocol === "https:" ? "wss:" : "ws:";

/** @type {import("./live.js").Host} */
const host = {
  connect: (session) => new WebSocket(`${scheme}//${location.host}/api/v1/sessions/${session}/live`),
  onNextFrame: (callback) => void requestAnimationFrame(callback),
  setTimer: (callback, ms) => window.setTimeout(callback, ms),
  clearTimer: (timer) => window.clearTimeout(timer),
  now: () => performance.now(),
  random: Math.random,
  decode: ({ body, mime }) => createImageBitmap(new Blob([body], { type: mime })),
};

const store = createStore();
const screen = new Screen();
const editor = new Editor(store, screen, host);
const projecting = new Projecting(store, editor, screen);
const choosing = new Choosing(store, editor);
const directing = new Directing(store, editor);
const exporting = new Exporting(store, editor, projecting, directing);
const collecting = new Collecting(store, editor);
rememberExploring(store, localStorage);

try {
  await startLanguage();
} catch (error) {
  editor.report(error); // the page goes on in English
}
render(
  h(App, {
    store,
    editor,
    projecting,
    choosing,
    directing,
    exporting,
    collecting,
    screen,
    trial: new Trial(store, screen),
  }),
  /** @type {HTMLElement} */ (document.getElementById("app")),
);
editor.start();
void exporting.openLink();
addEventListener("hashchange", () => void exporting.openLink());
listenToKeys(window);
addEventListener("pagehide", () => editor.leave());
addEventListener("online", () => editor.reconnect());
