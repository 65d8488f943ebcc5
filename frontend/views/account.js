// Who is signed in, on a server that asks for tokens; the way out leads over the login page.

import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { read } from "../api.js";
import { t } from "../language.js";
import { Icon } from "./icons.js";

/** @typedef {{ name: string, signed_in: boolean }} Me */

export function Account() {
  const [me, setMe] = useState(/** @type {Me | null} */ (null));
  useEffect(() => {
    read("/me").then((answer) => setMe(/** @type {Me} */ (answer)), () => setMe(null));
  }, []);
  if (!me?.signed_in) return null;
  const label = me.name ? t("account.signedInAs", { name: me.name }) : t("account.signedIn");
  return h(
    "a",
    { class: "icon-button", href: "/login.html", "data-testid": "account", "aria-label": label, title: label },
    h(Icon, { name: "person" }),
  );
}
