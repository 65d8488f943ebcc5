"""Taking an edit away and bringing it back: pictures with recipes, latents, links, films; and the gallery."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from server.recipes.containers import recipe_in, with_recipe
from server.recipes.recipe import pack, unpack
from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio


def downloaded(studio: Studio, testid: str) -> tuple[str, bytes]:
    """Press it: the name and the contents of the file that comes."""
    with studio.page.expect_download() as download:
        studio.part(testid).click()
    path = Path(download.value.path())
    return download.value.suggested_filename, path.read_bytes()


def bring(studio: Studio, name: str, content: bytes) -> None:
    studio.part("photo-input").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def told(studio: Studio) -> str:
    """What the newest notice says; it is dismissed."""
    toast = studio.part("toast").last
    expect(toast).to_be_visible()
    text = toast.inner_text()
    studio.part("toast-dismiss").last.click()
    return text


def test_an_edit_leaves_as_a_picture_and_comes_back_whole_or_with_a_reason(studio: Studio) -> None:
    studio.type("number-age", 70)
    studio.settle()
    edited = studio.picture()
    name, png = downloaded(studio, "download")
    assert re.fullmatch(r"latent-loom-seed-\d+-edited\.png", name)
    studio.part("export-open").click()
    studio.part("export-format").select_option("jpeg")
    studio.part("export-quality").fill("80")
    studio.part("export-size").select_option("64")
    name, jpeg = downloaded(studio, "export-picture")
    assert name.endswith(".jpg") and recipe_in(jpeg)
    name, npz = downloaded(studio, "export-npz")
    assert name.endswith("-edited.edited.npz")
    studio.part("export-close").click()
    for name, content in (("photo of mine.png", png), ("small.jpg", jpeg)):
        studio.part("dice").click()
        studio.settle()
        assert not studio.picture().looks_like(edited)
        bring(studio, name, content)
        assert "is back" in told(studio)
        studio.settle()
        assert studio.picture().is_identical_to(edited)
        assert studio.value("number-age") == 70
    bring(studio, "w.npz", npz)
    assert "latent of this file" in told(studio)
    studio.settle()
    assert studio.picture().looks_like(edited)
    studio.expected.append("422")
    recipe = unpack(recipe_in(png) or b"")
    strange = recipe.weights.model_copy(update={"generator": "ab" * 32})
    plain = png[: png.index(b"loOm") - 4] + png[-12:]
    before = studio.picture()
    bring(studio, "a.png", with_recipe(plain, pack(type(recipe)(recipe.program, strange, recipe.document))))
    assert re.search("another model.*abababababab.*Put that model", told(studio), re.DOTALL)
    bring(studio, "b.png", with_recipe(plain, b"no recipe at all"))
    assert "damaged" in told(studio)
    bring(studio, "w.npz", b"PK\x03\x04 and nothing else")
    assert "no latent" in told(studio)
    assert studio.picture().is_identical_to(before)


def test_an_edit_leaves_as_a_film_and_as_a_link(studio: Studio, server: ServerProcess) -> None:
    studio.type("number-age", 65)
    studio.settle()
    edited = studio.picture()
    studio.part("export-open").click()
    studio.part("edit-seconds").select_option("1")
    studio.part("edit-rate").select_option("12")
    studio.part("edit-format").select_option("gif")
    studio.part("edit-film").click()
    studio.part("export-close").click()
    studio.part("export-open").click()  # the film goes on meanwhile
    expect(studio.part("edit-finished")).to_be_visible()
    name, gif = downloaded(studio, "edit-download")
    assert name == "demo.gif" and gif.startswith(b"GIF89a")
    studio.part("export-link").click()
    expect(studio.part("export-link-note")).to_be_visible()
    url = studio.part("export-url").input_value()
    assert url.startswith(f"{server.url}/#edit=")
    studio.part("export-close").click()
    studio.type("number-age", 30)
    studio.settle()
    studio.page.goto("about:blank")
    studio.page.goto(url)
    assert "edit of the link" in told(studio)
    studio.settle()
    assert studio.picture().is_identical_to(edited)
    assert studio.page.url == f"{server.url}/"
    studio.page.evaluate("location.hash = '#edit=AAAA'")
    assert "damaged" in told(studio)


def open_gallery_item(page: Page, index: int) -> None:
    page.get_by_test_id("gallery-open").nth(index).click()


def test_the_gallery_keeps_names_brings_back_and_packs(studio: Studio) -> None:
    page = studio.page
    expect(studio.part("gallery-empty")).to_be_visible()
    first = studio.picture()
    studio.part("gallery-add").click()
    expect(studio.part("gallery-item")).to_have_count(1)
    studio.type("number-age", 70)
    studio.settle()
    second = studio.picture()
    studio.part("caption").click()
    page.keyboard.press("s")
    expect(studio.part("gallery-item")).to_have_count(2)
    studio.part("gallery-name").nth(1).fill("Mona")
    studio.part("keep-edits").evaluate("(button) => button.click()")  # the page is drawn anew meanwhile
    studio.part("gallery-name").nth(1).press("Enter")
    studio.part("gallery-star").nth(1).click()
    expect(studio.part("gallery-star").nth(1)).to_have_attribute("aria-pressed", "true")
    studio.part("gallery-order").select_option("starred")
    open_gallery_item(page, 0)
    studio.settle()
    assert studio.picture().is_identical_to(first)
    page.keyboard.press("ArrowRight")  # from the one that was opened to the next
    page.keyboard.press("Enter")
    studio.settle()
    assert studio.picture().is_identical_to(second)
    page.keyboard.press("Space")
    page.keyboard.press("Delete")
    expect(studio.part("gallery-item")).to_have_count(1)
    expect(studio.part("gallery-open")).to_be_focused()
    studio.part("gallery-restore").click()
    expect(studio.part("gallery-item")).to_have_count(2)
    _, archive = downloaded(studio, "gallery-zip")
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.namelist() == ["001-Mona.png", "002-demo.png"]
        assert recipe_in(packed.read("001-Mona.png"))
    studio.reload()
    expect(studio.part("gallery-item")).to_have_count(2)
    expect(studio.part("gallery-name").nth(1)).to_have_value("Mona")
