"""What it takes to open the page: few bytes, no shift of what is shown, nothing of what opens on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio

MOST_BYTES = 200_000  # without pictures
UNSEEN = 0.001  # of cumulative layout shift; from 0.1 on it counts as bad
# Shifts that no hand caused, as the layout-shift entries of the browser have them.
OBSERVE = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries())
      if (!hadRecentInput)
        shifts.push([value, ...sources.map(({ node }) => String(node?.outerHTML).slice(0, 80))]);
  }).observe({ type: "layout-shift", buffered: true });
"""
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])"""


@pytest.fixture(scope="module", params=[(1440, 900), (390, 844)], ids=["wide", "narrow"])
def opened(request: pytest.FixtureRequest, browser: Browser, server: ServerProcess) -> Iterator[Studio]:
    """A first visit, watched from its first moment."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(OBSERVE)
    studio = Studio(context.new_page(), server.url)
    studio.open()
    yield studio
    context.close()


def test_the_first_visit_loads_few_bytes(opened: Studio) -> None:
    loaded = opened.page.evaluate(LOADED)
    page = [size for path, size in loaded if not path.startswith("/api/")]
    assert len(page) > 40
    assert sum(page) < MOST_BYTES


def test_what_opens_on_demand_is_not_loaded_before(opened: Studio) -> None:
    paths = [path for path, _ in opened.page.evaluate(LOADED)]
    assert [path for path in paths if path.startswith("/dialogs/") or path.endswith("/ko.js")] == []


def test_nothing_is_shifted_while_the_page_loads(opened: Studio) -> None:
    """Digits that change their width move their neighbours by a pixel; more than that could be seen."""
    shifts = opened.page.evaluate("() => shifts")
    assert sum(value for value, *_ in shifts) < UNSEEN, shifts


def test_the_console_stays_empty(opened: Studio) -> None:
    assert opened.unexpected_complaints() == []
