"""Attribute edits in a real browser: what they reach, light, layers, directions, faces on request.

On a tiny untrained model: what a person does and sees is the same, and its pictures are there at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio
from tests.server.harness import WIDTH, copy_face_detector, write_generator, write_tiny_bundle


@pytest.fixture(scope="module")
def tiny_server(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[ServerProcess]:
    """A server with a tiny bundle, and the same kind of generator without flow and attribute network."""
    folder = tmp_path_factory.mktemp("checkpoints")
    copy_face_detector(repository, folder)
    write_tiny_bundle(folder / "tiny", tmp_path_factory.mktemp("parts"))
    write_generator(folder / "plain.safetensors", seed=1)
    running = ServerProcess(tmp_path_factory.mktemp("server"), folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def studio(page: Page, tiny_server: ServerProcess) -> Iterator[Studio]:
    """An open page with its first face."""
    studio = Studio(page, tiny_server.url)
    studio.open()
    expect(studio.part("find-directions")).to_be_enabled()
    yield studio
    assert studio.unexpected_complaints() == []


def unfold(studio: Studio, name: str) -> None:
    studio.part(name).locator("summary").click()


def test_an_edit_tells_what_it_reached_and_what_else_moved_and_undo_is_exact(studio: Studio) -> None:
    first = studio.picture()
    expect(studio.part("moved")).to_contain_text("After an edit")
    studio.part("lock-yaw").click()
    studio.settle()
    assert studio.picture().is_identical_to(first), "a lock alone changes nothing"
    studio.type("number-age", 75)
    studio.settle()
    expect(studio.part("reached-age")).to_have_text(re.compile(r"^asked 75 years, reached \d+ years$"))
    expect(studio.part("moved")).to_have_attribute("data-current", "true")
    expect(studio.part("likeness")).to_have_text(re.compile(r"^Likeness \d+ %$"))
    expect(studio.part("lock-yaw")).to_have_attribute("aria-pressed", "true")
    held = studio.picture()
    studio.part("lock-yaw").click()
    studio.settle()
    assert not studio.picture().is_identical_to(held), "the lock was part of the edit"
    for _ in range(3):
        studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)
    expect(studio.part("lock-yaw")).to_have_attribute("aria-pressed", "false")
    studio.part("lock-age").click()
    studio.type("number-age", 20)
    studio.settle()
    plain = studio.picture()
    studio.part("calibrated").click()
    studio.settle()
    assert not studio.picture().is_identical_to(plain)
    studio.part("reset-age").click()
    expect(studio.part("lock-age")).to_have_attribute("aria-pressed", "false")


def test_the_lamp_follows_hand_and_keys_and_goes_back(studio: Studio) -> None:
    first, words = studio.picture(), studio.part("lamp-words").inner_text()
    studio.part("lamp").scroll_into_view_if_needed()
    box = studio.part("lamp").bounding_box()
    assert box
    studio.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    studio.page.mouse.down()
    studio.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    studio.release()
    expect(studio.part("lamp-words")).to_have_text("Light 53° from the left")
    dragged = studio.picture()
    assert not dragged.looks_like(first)
    studio.part("lamp-azimuth").press("ArrowUp")
    studio.part("lamp-elevation").press("ArrowLeft")
    studio.settle()
    expect(studio.part("lamp-words")).to_have_text("Light 58° from the left, 5° above")
    expect(studio.part("lamp-azimuth")).to_have_attribute("aria-valuetext", "58° from the left, 5° above")
    studio.part("preset-right").click()
    expect(studio.part("preset-right")).to_have_attribute("aria-pressed", "true")
    studio.settle()
    assert not studio.picture().looks_like(dragged)
    studio.part("reset-light").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)
    expect(studio.part("lamp-words")).to_have_text(words)


def test_an_estimate_is_corrected_and_what_cannot_be_a_number_is_not_taken(studio: Studio) -> None:
    first, estimate = studio.picture(), studio.value("slider-age")
    unfold(studio, "corrections")
    studio.type("number-base-age", 24)
    studio.settle()
    assert studio.value("slider-age") == 24
    assert studio.picture().is_identical_to(first)
    studio.type("number-base-age", "")
    expect(studio.part("number-base-age")).to_have_value("24.0")
    studio.type("number-base-age", 9999)
    expect(studio.part("number-base-age")).to_have_value("80.0")
    studio.part("reset-base-age").click()
    studio.settle()
    assert studio.value("slider-age") == estimate


def test_rows_of_an_attribute_are_chosen_and_kept_for_the_checkpoint(studio: Studio) -> None:
    studio.type("number-age", 75)
    studio.settle()
    everywhere = studio.picture()
    unfold(studio, "layers")
    pressed = studio.page.locator("[data-testid^=layer-][aria-pressed=true]")
    while pressed.count() > 1:
        pressed.first.click()
    expect(pressed).to_be_disabled()
    studio.settle()
    assert not studio.picture().is_identical_to(everywhere)
    last = pressed.get_attribute("data-testid")
    studio.part("layers-keep").click()
    expect(studio.part("layers-keep")).to_have_text("Kept for this checkpoint")
    studio.page.evaluate("() => localStorage.clear()")  # as another visitor
    studio.reload()
    unfold(studio, "layers")
    expect(studio.part(str(last))).to_be_disabled()
    studio.part("layers-default").click()
    studio.part("layers-keep").click()
    studio.type("number-age", 75)
    studio.settle()
    assert studio.picture().is_identical_to(everywhere)


def test_a_direction_is_found_saved_used_and_deleted(studio: Studio) -> None:
    first = studio.picture()
    studio.part("find-directions").click()
    studio.part("search-middle").click()
    studio.type("search-count", 2)
    expect(studio.part("strip")).to_have_count(2)
    studio.part("candidate-0").click()
    expect(studio.part("trial-picture")).to_be_visible()
    studio.part("direction-name").fill("Brighter")
    studio.part("direction-minimum").fill("4")
    expect(studio.part("direction-save")).to_be_disabled()
    studio.part("direction-minimum").fill("-2")
    studio.part("direction-save").click()
    expect(studio.part("direction-save")).to_have_text("Saved as a slider")
    studio.part("search-close").click()
    slider = studio.page.get_by_role("slider", name="Brighter")
    expect(slider).to_have_attribute("min", "-2")
    slider.press("End")
    studio.settle()
    assert not studio.picture().looks_like(first)
    assert studio.caption().endswith("1 edit")
    unfold(studio, "manage-directions")
    studio.type("rename-Brighter", "Paler")
    expect(studio.part("saved-Paler")).to_be_visible()
    with studio.page.expect_download() as download:
        studio.page.get_by_role("link", name="Export Paler").click()
    assert download.value.suggested_filename.endswith(".safetensors")
    studio.part("delete-Paler").click()
    studio.part("delete-sure-Paler").click()
    expect(studio.part("saved-Paler")).to_have_count(0)
    studio.settle()
    assert studio.picture().is_identical_to(first), "the document lets go of it"


def test_a_boundary_is_imported_and_what_is_none_is_refused(studio: Studio) -> None:
    studio.expected.append("the server responded with a status of 4")
    boundary = BytesIO()
    np.save(boundary, np.ones((1, WIDTH), np.float32))
    studio.part("find-directions").click()
    unfold(studio, "import")
    for name, content in (("junk.npy", b"not an array" * 9), ("smile.npy", boundary.getvalue())):
        studio.part("import-file").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        studio.part("import-start").click()
        if name == "junk.npy":
            expect(studio.part("refused")).to_contain_text("npy")
    expect(studio.part("import")).to_contain_text("smile is a slider now")
    expect(studio.part("refused")).to_have_count(0)
    studio.part("search-close").click()
    expect(studio.page.get_by_role("slider", name="smile")).to_be_enabled()


def test_a_face_is_asked_for_and_taken_on_a_phone(studio: Studio) -> None:
    studio.page.set_viewport_size({"width": 390, "height": 844})
    first = studio.picture()
    studio.part("ask-faces").click()
    expect(studio.part("request-start")).to_be_disabled()
    studio.part("wish-age").check()
    studio.type("number-wish-age", 60)
    studio.part("request-start").click()
    expect(studio.part("sample-3")).to_contain_text(re.compile(r"Age\s*\d+ years"))
    box = studio.part("request").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] <= 844
    studio.part("sample-3").click()
    studio.settle()
    assert not studio.picture().looks_like(first)
    assert studio.caption() == "Made on request"
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)


def test_a_model_without_a_flow_says_what_is_missing_and_still_has_directions(studio: Studio) -> None:
    studio.part("model").click()
    studio.part("model-plain").get_by_role("button").click()
    studio.settle()
    expect(studio.part("no-flow")).to_contain_text("latentloom train flow")
    expect(studio.part("lamp")).to_have_count(0)
    expect(studio.part("ask-faces")).to_have_count(0)
    studio.part("find-directions").click()
    studio.part("search-count").fill("1")
    studio.part("search-start").click()
    expect(studio.part("strip")).to_have_count(1)
