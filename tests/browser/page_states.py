"""What the page can look like: each state as a person gets there, and how to leave it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import expect

from tests.browser.studio import SEARCH_PATIENCE_MS, Studio

# Lets a test break the connection, or be told something by a server in trouble.
REMEMBER_SOCKETS = """
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...where) { super(...where); window.sockets.push(this); }
  };
"""
SERVER_SAYS = """(message) => window.sockets.at(-1).dispatchEvent(
  new MessageEvent("message", { data: JSON.stringify(message) }))"""
DIALOG = "dialog:modal"
NO_FACE_IN_IT = b"This is a text, whatever its name says."


@dataclass(frozen=True)
class PageState:
    """One look of the page; states follow each other on one page."""

    name: str
    enter: Callable[[Studio, bytes], object]  # the page and a photo of a face
    leave: Callable[[Studio], object] = Studio.settle
    part: str = "body"  # what of the page is new in it


def say(studio: Studio, message: dict[str, Any]) -> None:
    """A message as the server would send it."""
    studio.page.evaluate(SERVER_SAYS, message)


def edit(studio: Studio, _: bytes) -> None:
    studio.type("number-age", 66)
    studio.part("lock-yaw").click()
    for each in ("corrections", "coefficients"):
        studio.part(each).locator("summary").click()
    studio.settle()
    expect(studio.part("moved")).to_have_attribute("data-current", "true")


def fail(studio: Studio, _: bytes) -> None:
    problem = {
        "code": "gpu_out_of_memory",
        "title": "Out of memory on the GPU",
        "detail": "The picture needs 2 GB, and 1 GB is free.",
        "hint": "Close other programs that use the graphics card.",
    }
    say(studio, {"type": "error", "seq": studio.edits[-1][0], "problem": problem})
    expect(studio.part("stage")).to_have_attribute("data-picture", "failed")


def mend(studio: Studio) -> None:
    studio.part("toast-dismiss").click()
    studio.part("retry").click()
    studio.settle()


def lose(studio: Studio, _: bytes) -> None:
    studio.expected.append("ERR_FAILED|Failed to load")
    studio.page.route("**/api/v1/sessions/*", lambda route: route.abort())
    studio.page.evaluate("() => window.sockets.at(-1).close()")
    expect(studio.part("connection-banner")).to_be_visible()


def find_again(studio: Studio) -> None:
    studio.page.unroute("**/api/v1/sessions/*")
    studio.settle()
    expect(studio.part("connection-banner")).to_have_count(0)


def refuse(studio: Studio, _: bytes) -> None:
    studio.expected.append("415")
    studio.choose_photo("letter.jpg", NO_FACE_IN_IT)
    expect(studio.part("upload-failed")).to_be_visible()


def upload(studio: Studio, photo: bytes) -> None:
    studio.part("toast-dismiss").click()
    studio.choose_photo("portrait.jpg", photo)
    expect(studio.part("crop")).to_have_js_property("naturalWidth", 256)


def search(studio: Studio, _: bytes) -> None:
    studio.part("schedule").select_option("published")
    studio.part("project").click()
    expect(studio.face).to_have_attribute("data-kind", "3")
    studio.part("pause").click()
    expect(studio.part("search")).to_have_attribute("data-state", "paused")


def end_search(studio: Studio, _: bytes) -> None:
    studio.part("cancel").click()
    expect(studio.part("outcome")).to_be_visible(timeout=SEARCH_PATIENCE_MS)
    studio.settle()


def find_directions(studio: Studio, _: bytes) -> None:
    studio.part("find-directions").click()
    studio.part("search-count").fill("2")
    studio.part("search-start").click()
    studio.part("candidate-0").click()
    expect(studio.part("trial-picture")).to_be_visible()


def opened(button: str, dialog: str) -> PageState:
    """A dialog that a button opens and Escape closes."""

    def enter(studio: Studio, _: bytes) -> None:
        studio.part(button).click()
        expect(studio.part(dialog)).to_be_visible()

    return PageState(dialog, enter, close, DIALOG)


def close(studio: Studio) -> None:
    studio.page.keyboard.press("Escape")
    expect(studio.page.locator("dialog:modal")).to_have_count(0)


def see_grid(studio: Studio, _: bytes) -> None:
    studio.part("open-grid").click()
    expect(studio.part("grid-face-3")).to_have_attribute("data-state", "there")


def see_walk(studio: Studio, _: bytes) -> None:
    studio.part("open-walk").click()
    studio.part("walk-add-current").click()
    studio.part("walk-add-new").click()
    expect(studio.part("walk-picture")).to_have_attribute("data-frames", "1")


def see_map(studio: Studio, _: bytes) -> None:
    studio.part("open-map").click()
    expect(studio.part("map")).to_have_attribute("data-ready", "yes")


def fold_map(studio: Studio) -> None:
    studio.part("open-map").click()
    expect(studio.part("map")).to_have_count(0)


def see_keys(studio: Studio, _: bytes) -> None:
    studio.page.keyboard.press("?")
    expect(studio.part("keys-find")).to_be_focused()


def keep(studio: Studio, _: bytes) -> None:
    studio.part("gallery-add").click()
    expect(studio.part("gallery-item")).to_be_visible()
    studio.part("gallery-choice").click()


def mix(studio: Studio, _: bytes) -> None:
    studio.part("mix-add").click()
    expect(studio.part("crossover")).to_be_visible()
    studio.part("noise-layers").locator("summary").click()
    expect(studio.part("noise-resample-0")).to_be_visible()
    studio.settle()


def look_at_layers(studio: Studio, _: bytes) -> None:
    studio.part("activations-open").click()
    expect(studio.part("activation-0")).to_be_visible()


# In this order on one page.
STATES = (
    PageState("first", lambda studio, _: studio.settle()),
    PageState("edited", edit, part=".side.end"),
    PageState("failed", fail, mend, ".stage, .toasts"),
    PageState("lost", lose, find_again, ".topbar, .banner, .stage"),
    PageState("kept", keep, part="#gallery, #history"),
    PageState("mixed", mix, part="#mix, #noise"),
    opened("model", "chooser"),
    PageState("keys", see_keys, close, DIALOG),
    opened("ask-faces", "request"),
    PageState("grid", see_grid, close, DIALOG),
    PageState("walk", see_walk, close, DIALOG),
    PageState("map", see_map, fold_map, "#explore"),
    opened("export-open", "export"),
    opened("start-over", "start-over-dialog"),
    PageState("directions", find_directions, close, DIALOG),
    PageState("layers", look_at_layers, close, DIALOG),
    PageState("refused", refuse, part="#photo, .toasts"),
    PageState("photo", upload, part="#photo"),
    PageState("searching", search, part="#photo, .stage"),
    PageState("found", end_search, part="#photo, .stage"),
)
