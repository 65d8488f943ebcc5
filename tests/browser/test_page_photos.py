"""Photos in a real browser: from the file to sliders on the face that was found, and what can go wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import jpeg
from tests.browser.server_process import ServerProcess
from tests.browser.studio import SEARCH_PATIENCE_MS, Studio, all_different


def refuse(studio: Studio, name: str, content: bytes, words: str) -> None:
    """Choose a file that cannot be used: a message says so, and nothing else changes."""
    studio.expected.append("the server responded with a status of 4")
    before, caption = studio.picture(), studio.caption()
    studio.choose_photo(name, content)
    expect(studio.part("toast")).to_contain_text(re.compile(words, re.IGNORECASE))
    expect(studio.part("upload-failed")).to_be_visible()
    expect(studio.part("crop")).to_have_count(0)
    assert studio.picture().is_identical_to(before)
    assert studio.caption() == caption
    studio.part("toast-dismiss").click()
    expect(studio.part("toast")).to_have_count(0)
    studio.reload()
    assert studio.picture().is_identical_to(before)
    assert studio.caption() == caption


def upload(studio: Studio, content: bytes) -> None:
    """Choose a photo and wait for its crop."""
    studio.choose_photo("portrait.jpg", content)
    expect(studio.part("crop")).to_be_visible()
    expect(studio.part("crop")).to_have_js_property("complete", True)
    assert studio.part("crop").evaluate("(image) => image.naturalWidth") >= 256


def search(studio: Studio, steps: int) -> None:
    """Start the projection and wait for its first steps and pictures."""
    studio.part("project-steps").select_option(str(steps))
    studio.part("project").click()
    expect(studio.part("progress")).to_be_visible()
    expect(studio.part("progress")).to_have_attribute("data-state", "running")
    expect(studio.face).to_have_attribute("data-kind", "3")


def test_a_photo_is_found_in_the_model_and_edited(studio: Studio, astronaut: bytes) -> None:
    seed_face = studio.picture()
    upload(studio, astronaut)
    expect(studio.part("metric")).to_contain_text("not LPIPS")
    search(studio, 100)
    expect(studio.part("outcome")).to_have_attribute("data-state", "succeeded", timeout=SEARCH_PATIENCE_MS)
    studio.settle()
    found = studio.picture()
    assert not found.looks_like(seed_face)
    assert studio.caption() == "Found in portrait.jpg"
    expect(studio.part("slider-age")).to_be_enabled()
    at_first = studio.fraction("slider-age")
    studio.take("slider-age")
    studio.pull("slider-age", 0.95, moves=10)
    studio.wait_for_newest_frame()
    assert not studio.picture().looks_like(found)
    studio.pull("slider-age", at_first, moves=10)
    studio.release()
    assert studio.picture().is_identical_to(found)
    studio.reload()
    assert studio.picture().is_identical_to(found)
    expect(studio.part("crop")).to_be_visible()


def test_cancelling_keeps_the_best_so_far(studio: Studio, astronaut: bytes) -> None:
    upload(studio, astronaut)
    search(studio, 1000)
    studio.part("cancel").click()
    expect(studio.part("outcome")).to_have_attribute("data-state", "cancelled")
    studio.part("use-latent").click()
    studio.settle()
    assert studio.caption() == "Found in portrait.jpg"


def test_sliders_keep_answering_during_a_search(studio: Studio, astronaut: bytes) -> None:
    upload(studio, astronaut)
    search(studio, 1000)
    studio.part("watch").click()
    pictures = []
    studio.take("slider-age")
    for fraction in (0.1, 0.5, 0.9):
        studio.pull("slider-age", fraction)
        studio.wait_for_newest_frame()
        pictures.append(studio.picture())
    studio.release()
    assert all_different(pictures)
    expect(studio.part("progress")).to_have_attribute("data-state", "running")
    studio.part("cancel").click()
    expect(studio.part("outcome")).to_have_attribute("data-state", "cancelled")


def test_of_two_faces_either_can_be_chosen(studio: Studio, two_people: bytes) -> None:
    upload(studio, two_people)
    expect(studio.part("face-0")).to_have_attribute("aria-pressed", "true")
    first = studio.part("crop").get_attribute("src")
    studio.part("face-1").click()
    expect(studio.part("face-1")).to_have_attribute("aria-pressed", "true")
    assert studio.part("crop").get_attribute("src") != first
    expect(studio.part("face-2")).to_have_count(0)


def test_a_text_file_named_jpg_is_refused(studio: Studio) -> None:
    refuse(studio, "letter.jpg", b"Dear all,\nthis is not a photo.\n" * 50, "picture|image|photo")


def test_a_photo_cut_off_in_the_middle_is_refused(studio: Studio, astronaut: bytes) -> None:
    refuse(studio, "half.jpg", astronaut[: len(astronaut) // 2], "damaged|incomplete|cut")


def test_a_picture_without_a_face_is_refused(studio: Studio) -> None:
    ramp = np.linspace(0, 255, 400, dtype=np.uint8)
    picture = np.stack([np.tile(ramp, (300, 1))] * 3, axis=2)
    refuse(studio, "gradient.jpg", jpeg(Image.fromarray(picture)), "no face")


def test_a_server_lost_in_the_middle_of_a_search_takes_no_edit_with_it(
    page: Page, tmp_path: Path, astronaut: bytes
) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    try:
        studio = Studio(page, server.url)
        studio.expected += ["ERR_CONNECTION_REFUSED", "WebSocket connection to", "ERR_EMPTY_RESPONSE"]
        studio.open()
        studio.type("number-age", 75)
        studio.settle()
        before = studio.picture()
        upload(studio, astronaut)
        search(studio, 1000)
        server.kill()
        expect(studio.part("connection-banner")).to_be_visible()
        server.start()
        studio.settle()
        expect(studio.part("connection-banner")).to_have_count(0)
        expect(studio.part("outcome")).to_have_attribute("data-state", "failed")
        assert studio.picture().is_identical_to(before)
        expect(studio.part("crop")).to_be_visible()
        assert studio.unexpected_complaints() == []
    finally:
        server.stop()
