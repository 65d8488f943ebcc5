"""Photos in a real browser: from the file to sliders on the face that was found, and what can go wrong."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import jpeg
from tests.browser.server_process import ServerProcess
from tests.browser.studio import SEARCH_PATIENCE_MS, Studio, all_different

DRAG_IN = """([bytes, name, types]) => {
  const data = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  data.items.add(new File([content], name, { type: "image/jpeg" }));
  for (const type of types)
    dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def drag_in(studio: Studio, content: bytes, *events: str) -> None:
    """What a file dragged onto the page does to it."""
    studio.page.evaluate(DRAG_IN, [base64.b64encode(content).decode(), "portrait.jpg", events])


def wait_for_crop(studio: Studio) -> None:
    expect(studio.part("crop")).to_have_js_property("naturalWidth", 256)


def upload(studio: Studio, content: bytes) -> None:
    """Choose a photo and wait for its crop."""
    studio.choose_photo("portrait.jpg", content)
    wait_for_crop(studio)


def search(studio: Studio, steps: int) -> None:
    """Start the search in W and wait for its first steps and pictures."""
    studio.type("steps", steps)
    studio.part("project").click()
    expect(studio.part("search")).to_have_attribute("data-state", "running")
    expect(studio.face).to_have_attribute("data-kind", "3")


def expect_outcome(studio: Studio, state: str) -> None:
    expect(studio.part("outcome")).to_have_attribute("data-state", state, timeout=SEARCH_PATIENCE_MS)


def cropped(studio: Studio) -> str:
    """Where the page has the newest preview from."""
    return studio.part("crop").get_attribute("src") or ""


def refuse(studio: Studio, name: str, content: bytes, words: str) -> None:
    """Choose a file that cannot be used: a message says so, and nothing else changes."""
    studio.choose_photo(name, content)
    expect(studio.part("toast")).to_contain_text(re.compile(words, re.IGNORECASE))
    expect(studio.part("upload-failed")).to_be_visible()
    expect(studio.part("crop")).to_have_count(0)
    studio.part("toast-dismiss").click()
    expect(studio.part("toast")).to_have_count(0)


def test_the_way_of_a_photo_from_the_drop_to_the_face_put_back(studio: Studio, astronaut: bytes) -> None:
    seed_face = studio.picture()
    drag_in(studio, astronaut, "dragover")
    expect(studio.part("drop")).to_be_visible()
    drag_in(studio, astronaut, "drop")
    wait_for_crop(studio)
    expect(studio.part("metric")).to_contain_text("not LPIPS")

    # The crop follows the hand and the arrow keys, and goes back.
    detected = cropped(studio)
    expect(studio.part("reset-anchors")).to_be_disabled()
    box = studio.part("anchor-mouth").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    studio.page.mouse.move(x + 9, y + 30, steps=4)
    expect(studio.part("crop")).not_to_have_attribute("src", detected)
    studio.page.mouse.up()
    dragged = studio.part("anchor-mouth").get_attribute("aria-label")
    studio.part("anchor-mouth").press("Shift+ArrowUp")
    expect(studio.part("anchor-mouth")).not_to_have_attribute("aria-label", dragged or "")
    studio.part("reset-anchors").click()
    expect(studio.part("reset-anchors")).to_be_disabled()

    # Paused, found again by a page that comes back, and gone on with.
    search(studio, 8)
    studio.part("pause").click()
    expect(studio.part("search")).to_have_attribute("data-state", "paused")
    step = studio.part("progress").get_attribute("data-step") or ""
    studio.reload()
    assert studio.picture().is_identical_to(seed_face)
    expect(studio.part("headline")).to_have_text(f"Paused at step {step} of 8")
    expect(studio.part("film").get_by_role("button").first).to_be_visible()
    studio.part("resume").click()
    expect_outcome(studio, "succeeded")
    studio.settle()
    found = studio.picture()
    assert not found.looks_like(seed_face)
    assert studio.caption() == "Found in portrait.jpg"
    expect(studio.part("announcement")).to_have_text("The face was found.")
    expect(studio.part("figures")).to_contain_text(
        re.compile(r"Distance\d.*Pixel error\d.*8 steps", re.DOTALL)
    )

    # One rung further keeps the edits; the face goes back into its photo, also after a reload.
    studio.type("number-age", 70)
    studio.settle()
    assert studio.caption() == "Found in portrait.jpg, 1 edit"
    edited = studio.picture()
    studio.part("compare-photo").hover()
    studio.page.mouse.down()
    badge = studio.part("stage").locator(".badge")
    expect(badge).to_have_text("Photo")
    studio.page.keyboard.press("r")  # a face that no photo has: what is held goes away under the hand
    expect(badge).to_have_count(0)
    studio.page.mouse.up()
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(edited)
    studio.part("again").click()
    studio.type("steps", 8)
    studio.part("further-w+").click()
    expect(studio.part("headline")).to_contain_text("W+")
    expect_outcome(studio, "succeeded")
    studio.settle()
    further = studio.picture()
    assert not further.looks_like(found)
    assert studio.caption() == "Found in portrait.jpg, 1 edit"
    studio.reload()
    assert studio.picture().is_identical_to(further)
    expect(studio.part("outcome")).to_have_attribute("data-state", "succeeded")
    expect(studio.part("results").get_by_role("button")).to_have_text(
        [re.compile("^W[0-9]"), re.compile(r"^W\+")]
    )
    with studio.page.expect_download() as download:
        studio.part("put-back").click()
    assert download.value.suggested_filename == "portrait-latent-loom.jpg"
    before = np.asarray(Image.open(BytesIO(astronaut)), dtype=np.int16)
    after = np.asarray(Image.open(download.value.path()), dtype=np.int16)
    assert after.shape == before.shape
    changed = np.abs(after - before).max(axis=2) > 40
    assert changed[60:200, 170:280].mean() > 0.2, "the face is another"
    assert changed[400:, :60].mean() < 0.01, "the flag is as it was"


def test_sliders_answer_during_a_search_and_cancelling_keeps_the_best_so_far(
    studio: Studio, astronaut: bytes
) -> None:
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
    expect(studio.part("search")).to_have_attribute("data-state", "running")
    studio.part("cancel").click()
    expect_outcome(studio, "cancelled")
    studio.part("use-latent").click()
    studio.settle()
    assert studio.caption() == "Found in portrait.jpg"


def test_of_two_faces_either_can_be_chosen_and_without_one_the_points_are_set_by_hand(
    studio: Studio, two_people: bytes
) -> None:
    upload(studio, two_people)
    expect(studio.part("face-0")).to_have_attribute("aria-pressed", "true")
    first = cropped(studio)
    studio.part("face-1").click()
    expect(studio.part("face-1")).to_have_attribute("aria-pressed", "true")
    expect(studio.part("crop")).not_to_have_attribute("src", first)
    expect(studio.part("face-2")).to_have_count(0)
    studio.page.set_viewport_size({"width": 390, "height": 844})
    assert studio.page.evaluate("() => document.scrollingElement.scrollWidth") <= 390
    studio.reload()
    expect(studio.part("face-1")).to_have_attribute("aria-pressed", "true")

    ramp = np.linspace(0, 255, 400, dtype=np.uint8)
    upload(studio, jpeg(Image.fromarray(np.stack([np.tile(ramp, (300, 1))] * 3, axis=2))))
    expect(studio.page.locator("#photo")).to_contain_text("No face was found")
    expect(studio.part("face-0")).to_have_count(0)
    expect(studio.part("project")).to_be_disabled()
    studio.part("anchor-left_eye").press("ArrowLeft")
    expect(studio.part("project")).to_be_enabled()


def test_files_that_are_no_photos_are_refused_and_nothing_else_changes(
    studio: Studio, astronaut: bytes
) -> None:
    studio.expected.append("the server responded with a status of 4")
    before, caption = studio.picture(), studio.caption()
    letter = b"Dear all,\nthis is not a photo.\n" * 50
    refuse(studio, "letter.jpg", letter, "picture|image|photo")
    refuse(studio, "half.jpg", astronaut[: len(astronaut) // 2], "damaged|incomplete|cut")
    studio.reload()
    assert studio.picture().is_identical_to(before)
    assert studio.caption() == caption


def test_a_search_goes_on_by_itself_after_its_server_was_killed(
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
        expect(studio.part("search")).to_have_attribute("data-state", "running")
        studio.part("watch").click()
        assert studio.picture().is_identical_to(before)
        studio.part("cancel").click()
        expect_outcome(studio, "cancelled")
        assert studio.unexpected_complaints() == []
    finally:
        server.stop()


def test_a_narrow_page_has_room_for_a_running_search(studio: Studio, astronaut: bytes) -> None:
    upload(studio, astronaut)
    search(studio, 1000)
    studio.page.set_viewport_size({"width": 390, "height": 844})
    expect(studio.part("watch")).to_be_visible()
    assert studio.page.evaluate("document.scrollingElement.scrollWidth") <= 390
    studio.part("cancel").click()
    expect_outcome(studio, "cancelled")
