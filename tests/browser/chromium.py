"""Which Chromium the browser tests drive; run as a program, it gets one where there is none.

Order: CHROMIUM_PATH, Playwright's own build, a Chromium or Chrome of the system. A browser counts only if it
starts, because a downloaded one may lack system libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Error, Playwright, sync_playwright

# Switch off what a browser does on its own account: it would only fail on a machine without a network.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OWN = "Playwright's own"
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ADVICE = (
    "The browser tests need a Chromium. Install one (on Debian: apt-get install chromium), "
    "or set CHROMIUM_PATH to the program, and run again."
)


@dataclass(frozen=True)
class Chromium:
    """A browser that starts; path None is Playwright's own."""

    path: str | None
    version: str


def candidates() -> list[str | None]:
    """What may be on this machine, best first."""
    given = os.environ.get("CHROMIUM_PATH")
    if given:
        return [given]
    found = [shutil.which(name) for name in SYSTEM_NAMES]
    if Path(MAC_CHROME).exists():
        found.append(MAC_CHROME)
    return [None, *(path for path in found if path)]


def start(playwright: Playwright, path: str | None) -> Chromium:
    """Open and close the browser; raises playwright's Error where it cannot."""
    browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
    try:
        browser.new_page().goto("about:blank")
        return Chromium(path, browser.version)
    finally:
        browser.close()


def find_chromium(playwright: Playwright) -> Chromium:
    """The first candidate that starts; raises LookupError, with the reason of each, where none does."""
    reasons = [ADVICE]
    for path in candidates():
        try:
            return start(playwright, path)
        except Error as error:
            reasons.append(f"  {path or OWN}: {error.message.splitlines()[0]}")
    raise LookupError("\n".join(reasons))


def install() -> None:
    """Playwright's build first; where that cannot be had, Debian's package, as root or through sudo."""
    own = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if own.returncode == 0 or not shutil.which("apt-get"):
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if prefix and not shutil.which("sudo"):
        return
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run([*prefix, "apt-get", *arguments], check=False)


def main() -> int:
    """Find a Chromium, or install one; 1 where neither works."""
    with sync_playwright() as playwright:
        try:
            chromium = find_chromium(playwright)
        except LookupError:
            if "CHROMIUM_PATH" not in os.environ:
                install()
            try:
                chromium = find_chromium(playwright)
            except LookupError as error:
                print(error, file=sys.stderr)
                return 1
    print(f"Chromium {chromium.version}: {chromium.path or OWN}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
