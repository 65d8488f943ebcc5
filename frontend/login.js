// Exchanges an access token for a cookie. A token behind "#" in the address is used at once: browsers keep that
// part to themselves, so it stands in no log.

import { startLanguage, t } from "./language.js";

/** @import { PlainKey } from "./language_types.js" */

const form = /** @type {HTMLFormElement} */ (document.getElementById("login"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("token"));
const refusal = /** @type {HTMLElement} */ (document.getElementById("refusal"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));

/** An edit that the address carries (link.js), not a token: it goes along to the page. */
const carriesEdit = location.hash.startsWith("#edit=");

/** Where the person wanted to go; only to an address of this server. @returns {string} */
function destination() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const target = new URL(next, location.origin);
  if (target.origin !== location.origin) return "/";
  if (carriesEdit) target.hash = location.hash;
  return target.href;
}

/** @param {string} token @returns {Promise<string>} why not; empty where it was right */
async function refusalOf(token) {
  try {
    const answer = await fetch("/api/v1/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) return "";
    const { detail, hint = "" } = await answer.json();
    return `${detail} ${hint}`.trim();
  } catch {
    return t("login.unreachable");
  }
}

async function signIn() {
  const token = field.value.trim();
  if (!token) return;
  button.disabled = true;
  refusal.textContent = "";
  const reason = await refusalOf(token);
  button.disabled = false;
  if (!reason) return location.replace(destination());
  refusal.textContent = reason;
  field.setAttribute("aria-invalid", "true");
  field.select();
  field.focus();
}

/** Somebody who is signed in already can go on, or sign out. */
async function greet() {
  const answer = await fetch("/api/v1/me").catch(() => null);
  if (!answer?.ok) return;
  const { name, signed_in: signedIn } = await answer.json();
  const who = /** @type {HTMLElement} */ (document.getElementById("who"));
  const out = /** @type {HTMLElement} */ (document.getElementById("out"));
  const inside = () => (name ? t("login.inAs", { name }) : t("login.in"));
  who.textContent = signedIn ? inside() : t("login.free");
  out.hidden = !signedIn;
  out.addEventListener("click", async () => {
    const done = await fetch("/api/v1/logout", { method: "POST" }).catch(() => null);
    if (done?.ok) location.reload();
    else who.textContent = t("login.unreachable");
  });
  /** @type {HTMLElement} */ (document.getElementById("inside")).hidden = false;
  form.hidden = true;
}

/** A token may be written as it is, with signs that an address would escape. @param {string} hash */
function tokenIn(hash) {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

/** The page is written in English; another language takes its place. */
async function translate() {
  await startLanguage();
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]")))
    each.textContent = t(/** @type {PlainKey} */ (each.dataset.text));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn();
});
field.addEventListener("input", () => field.removeAttribute("aria-invalid"));

await translate().catch(console.error); // it stays in English, and works
if (location.hash.length > 1 && !carriesEdit) {
  field.value = tokenIn(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  void signIn();
} else {
  void greet();
}
