// Exchanges an access token for a cookie. A token behind "#" in the address is used at once: browsers keep that
// part to themselves, so it stands in no log.

const form = /** @type {HTMLFormElement} */ (document.getElementById("login"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("token"));
const refusal = /** @type {HTMLElement} */ (document.getElementById("refusal"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));

const UNREACHABLE = "The server does not answer. Check that it is still running.";

/** Where the person wanted to go; only to an address of this server. @returns {string} */
function destination() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const target = new URL(next, location.origin);
  return target.origin === location.origin ? target.href : "/";
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
    return UNREACHABLE;
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
  const answer = await fetch("/api/v1/me");
  if (!answer.ok) return;
  const { name, signed_in: signedIn } = await answer.json();
  const who = /** @type {HTMLElement} */ (document.getElementById("who"));
  const out = /** @type {HTMLElement} */ (document.getElementById("out"));
  who.textContent = signedIn ? `You are signed in${name ? ` as ${name}` : ""}.` : "This server asks for no token.";
  out.hidden = !signedIn;
  out.addEventListener("click", async () => {
    await fetch("/api/v1/logout", { method: "POST" });
    location.reload();
  });
  /** @type {HTMLElement} */ (document.getElementById("inside")).hidden = false;
  form.hidden = true;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn();
});
field.addEventListener("input", () => field.removeAttribute("aria-invalid"));

if (location.hash.length > 1) {
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  void signIn();
} else {
  void greet();
}
