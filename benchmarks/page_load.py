"""How long the page takes to open, in a real Chromium on this machine: first paint, controls, first face.

    python -m benchmarks.page_load
    python -m benchmarks.page_load --repeats 20

Each visit is a first one, with an empty cache, in a browser that runs already and against a server whose
model is loaded. Medians are given, and the bytes on the wire without pictures. Take a quiet machine.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from benchmarks.terminal import print_json, say
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server_process import ServerProcess

# Milliseconds since the navigation began, as the browser has them.
WATCH = """
  window.moments = {};
  const look = () => {
    const controls = document.querySelector("[data-known=true] button");
    if (controls && !moments.controls) moments.controls = performance.now();
    const face = document.querySelector("[data-testid=face]");
    if (face?.dataset.frames) moments.face = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
RESULT = """() => ({
  paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  ...moments,
  bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter(({ name }) => !new URL(name).pathname.startsWith("/api/"))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
})"""


def visit(browser: Browser, url: str) -> dict[str, float]:
    """One first visit: milliseconds until paint, controls and face, and bytes."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("() => window.moments.face")
    result: dict[str, float] = page.evaluate(RESULT)
    context.close()
    return result


def main() -> None:
    """Measure, and print medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = ServerProcess(Path(folder))
        server.start()
        try:
            path = find_chromium(playwright).path
            browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
            visit(browser, server.url)  # loads the model
            visits = []
            for number in range(repeats):
                visits.append(visit(browser, server.url))
                say(f"{number + 1} of {repeats}: the face was there after {visits[-1]['face']:.0f} ms")
            browser.close()
        finally:
            server.stop()
    print_json({name: round(median(each[name] for each in visits)) for name in visits[0]})


if __name__ == "__main__":
    main()
