"""`make guide`: takes the pictures of docs/guide.md from the running program, so that they never go stale.

It starts a server of its own, drives its page in a real Chromium the way the guide tells it, and writes
docs/guide/*.png. It ends with an error where the guide names a picture that is not taken, or the other way.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright
from skimage import data

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server_process import ServerProcess
from tests.browser.studio import SEARCH_PATIENCE_MS, Studio

GUIDE = Path(__file__).with_name("guide.md")
FOLDER = Path(__file__).with_name("guide")
WINDOW: ViewportSize = {"width": 1280, "height": 800}
COLOURS = 256
AGE, YAW = 55, 12


def first_face(studio: Studio) -> None:
    studio.settle()


def photo(studio: Studio) -> None:
    """A photograph of Eileen Collins (NASA, public domain)."""
    file = BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=95)
    studio.choose_photo("astronaut.jpg", file.getvalue())
    expect(studio.part("crop")).to_have_js_property("naturalWidth", 256)
    show(studio, "photo")


def searching(studio: Studio) -> None:
    studio.part("rung-w").check()
    studio.part("project").click()
    expect(studio.part("film").get_by_role("button").nth(1)).to_be_visible(timeout=SEARCH_PATIENCE_MS)
    studio.part("pause").click()
    expect(studio.part("search")).to_have_attribute("data-state", "paused")
    show(studio, "photo")


def found(studio: Studio) -> None:
    studio.part("resume").click()
    expect(studio.part("outcome")).to_be_visible(timeout=SEARCH_PATIENCE_MS)
    studio.settle()
    show(studio, "photo")


def edited(studio: Studio) -> None:
    studio.type("number-age", AGE)
    studio.type("number-yaw", YAW)
    studio.settle()
    expect(studio.part("moved")).to_have_attribute("data-current", "true")
    show(studio, "face")


def mixed(studio: Studio) -> None:
    studio.part("mix-add").click()
    studio.part("band-coarse").click()
    studio.settle()
    show(studio, "mix")


def noise(studio: Studio) -> None:
    studio.part("noise-layers").locator("summary").click()
    studio.part("noise-resample").click()
    studio.settle()
    show(studio, "noise")


def history(studio: Studio) -> None:
    studio.part("undo").click()
    studio.settle()
    studio.part("dice").click()
    studio.settle()
    show(studio, "history")


def gallery(studio: Studio) -> None:
    for _ in range(3):
        studio.part("gallery-add").click()
        studio.part("dice").click()
        studio.settle()
    expect(studio.part("gallery-item")).to_have_count(3)
    studio.part("gallery-star").first.click()
    show(studio, "gallery")


def export(studio: Studio) -> None:
    studio.part("export-open").click()
    expect(studio.part("export")).to_be_visible()


def models(studio: Studio) -> None:
    studio.page.keyboard.press("Escape")
    studio.part("model").click()
    expect(studio.part("chooser")).to_be_visible()


# Name of the picture: the way there, and the section that is shown alone; empty: the whole page.
PICTURES: dict[str, tuple[Callable[[Studio], None], str]] = {
    "first": (first_face, ""),
    "photo": (photo, ""),
    "searching": (searching, ""),
    "found": (found, ""),
    "edited": (edited, ""),
    "mix": (mixed, "#mix"),
    "noise": (noise, "#noise"),
    "history": (history, "#history"),
    "gallery": (gallery, "#gallery"),
    "export": (export, "dialog:modal"),
    "models": (models, "dialog:modal"),
}


def show(studio: Studio, section: str) -> None:
    """Scroll a section to the top of its column."""
    studio.page.locator(f"#{section}").evaluate("(each) => each.scrollIntoView({ block: 'start' })")


def named_in_guide() -> set[str]:
    """The pictures that the guide shows."""
    return set(re.findall(r"\]\(guide/([\w-]+)\.png\)", GUIDE.read_text("utf-8")))


def take(studio: Studio, name: str) -> int:
    """Go on to a picture and write it. Returns its bytes."""
    enter, section = PICTURES[name]
    enter(studio)
    studio.page.mouse.move(0, 0)
    part: Page | Locator = studio.page
    if section:
        part = studio.page.locator(section)
        expect(part.locator("span.thumbnail:empty")).to_have_count(0)  # its small pictures are there
    picture = Image.open(BytesIO(part.screenshot())).convert("RGB")
    file = FOLDER / f"{name}.png"
    shades = picture.quantize(COLOURS)
    picture.quantize(palette=shades).save(file, optimize=True)  # this time dithered
    return file.stat().st_size


def main() -> None:
    """Take all pictures, in the order of the guide."""
    if named_in_guide() != PICTURES.keys():
        raise SystemExit(f"docs/guide.md and this program differ in {named_in_guide() ^ PICTURES.keys()}.")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = ServerProcess(Path(folder))
        server.start()
        try:
            chromium = playwright.chromium.launch(
                executable_path=find_chromium(playwright).path, args=list(ARGUMENTS)
            )
            page = chromium.new_page(viewport=WINDOW, color_scheme="light", reduced_motion="reduce")
            studio = Studio(page, server.url)
            studio.open()
            for name in PICTURES:
                print(f"docs/guide/{name}.png  {take(studio, name) / 1000:.0f} kB", flush=True)
            if studio.unexpected_complaints():
                raise SystemExit("\n".join(studio.unexpected_complaints()))
            chromium.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
