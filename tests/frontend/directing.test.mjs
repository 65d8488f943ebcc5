// A model's directions and layer rules (frontend/directing.js), and telling a search what to do (projecting.js).

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Directing } from "../../frontend/directing.js";
import { plainDocument } from "../../frontend/document.js";
import { Projecting } from "../../frontend/projecting.js";
import { createStore, initialState } from "../../frontend/state.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const MODEL = { name: "demo", state: "ready", editable: false, seeds: [] };
const CONNECTION = { phase: "open", retryAt: null, refusal: null };
const SMILE = { id: "smile", name: "Smile" };

let reported = /** @type {unknown[]} */ ([]);
let asked = /** @type {string[]} */ ([]);
let answers = /** @type {(path: string) => unknown} */ (() => []);

beforeEach(() => {
  reported = [];
  asked = [];
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    const answer = await answers(String(path));
    return { ok: true, json: async () => answer };
  };
});

const studio = () => {
  const document = plainDocument("demo", 1, 0.7);
  const state = { ...initialState, models: [MODEL], document, connection: CONNECTION, picture: "ready", session: "s" };
  const store = createStore(state);
  const remembering = { now: async () => void asked.push("the steps so far") };
  const editor = { report: (error) => reported.push(error), change: () => undefined, remembering };
  return { store, editor, directing: new Directing(store, editor) };
};
const saved = (store) => store.get().tools.directions?.saved.map(({ name }) => name);
const connect = (store, phase) => store.dispatch({ type: "connection", connection: { ...CONNECTION, phase } });

test("directions that could not be read are asked for again after the next connection", async () => {
  const { store } = studio();
  answers = () => Promise.reject(new TypeError("no network"));
  store.dispatch({ type: "release" });
  connect(store, "open");
  await settled();
  assert.equal(reported.length, 1);
  answers = () => [SMILE];
  store.dispatch({ type: "view", view: "document" });
  await settled();
  assert.equal(asked.length, 1, "not with every change of the page");
  connect(store, "lost");
  connect(store, "open");
  await settled();
  assert.deepEqual(saved(store), ["Smile"]);
});

test("the history keeps the steps that use a direction before it is deleted", async () => {
  const { store, directing } = studio();
  answers = () => [SMILE];
  connect(store, "open");
  await settled();
  asked = [];
  await directing.remove(SMILE);
  assert.deepEqual(asked, ["the steps so far", "/api/v1/directions/smile"]);
  assert.deepEqual(saved(store), []);
});

test("a new name does not undo what came to the directions while the server was told", async () => {
  const { store, directing } = studio();
  answers = () => [SMILE];
  connect(store, "open");
  await settled();
  const renamed = directing.rename(SMILE, "Laugh");
  const directions = { model: "demo", saved: [SMILE, { id: "age", name: "Age" }] };
  store.dispatch({ type: "tools", change: { directions } });
  await renamed;
  assert.deepEqual(saved(store), ["Laugh", "Age"]);
});

test("a search that could not be told to stop can be told again", async () => {
  const { store, editor } = studio();
  const projecting = new Projecting(store, editor, { remove: () => undefined });
  answers = () => Promise.reject(new TypeError("no network"));
  assert.equal(await projecting.tell({ id: "j" }, "cancel"), false);
  assert.equal(reported.length, 1);
  answers = () => ({});
  assert.equal(await projecting.tell({ id: "j" }, "cancel"), true);
});
