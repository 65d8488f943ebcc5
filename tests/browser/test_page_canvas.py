"""The canvas: zoomed and moved by wheel, keys, hand and fingers; compared by a wipe and side by side."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.studio import Picture, Studio

JPEG_ROUNDING = 6  # two decoders of the same JPEG


def zoom(studio: Studio) -> str | None:
    """What the canvas was last drawn at: "fit", or percent."""
    return studio.face.get_attribute("data-zoom")


def box(studio: Studio) -> tuple[float, float, float]:
    """Left, top and side of the picture."""
    found = studio.face.bounding_box()
    assert found
    return found["x"], found["y"], found["width"]


def difference(a: Picture, b: Picture, part: slice) -> float:
    """Mean absolute difference of some columns, of 255."""
    return float(np.abs(a.pixels[:, part] - b.pixels[:, part]).mean())


def test_zoom_survives_edits_and_ends_with_the_identical_picture(studio: Studio) -> None:
    first, seq = studio.picture(), studio.face.get_attribute("data-seq")
    left, top, side = box(studio)
    studio.page.mouse.move(left + 0.7 * side, top + 0.3 * side)
    studio.page.mouse.wheel(0, -400)
    expect(studio.face).not_to_have_attribute("data-zoom", "fit")
    near = studio.picture()
    assert not near.looks_like(first)
    studio.page.mouse.down()
    studio.page.mouse.move(left + 0.5 * side, top + 0.5 * side, steps=3)
    studio.page.mouse.up()
    studio.wait_for_newest_frame()
    moved = studio.picture()
    assert not moved.looks_like(near)
    studio.part("stage").locator("[tabindex='0']").first.press("ArrowRight")
    studio.wait_for_newest_frame()
    assert not studio.picture().looks_like(moved)
    assert studio.face.get_attribute("data-seq") == seq, "looking is no edit"
    at = zoom(studio)
    studio.type("number-age", 75)
    studio.settle()
    assert zoom(studio) == at
    studio.part("undo").click()
    studio.settle()
    studio.page.keyboard.press("0")
    expect(studio.face).to_have_attribute("data-zoom", "fit")
    assert studio.picture().is_identical_to(first)


def test_at_200_percent_every_pixel_of_the_picture_is_four_of_the_screen(studio: Studio) -> None:
    studio.part("zoom-200").click()
    expect(studio.face).to_have_attribute("data-zoom", "200")
    expect(studio.part("zoom-200")).to_have_attribute("aria-pressed", "true")
    picture = studio.picture()
    own = np.asarray(Image.open(BytesIO(picture.jpeg)).convert("RGB"), dtype=np.int16)
    doubled = own.repeat(2, axis=0).repeat(2, axis=1)
    edge = (picture.pixels.shape[0] - doubled.shape[0]) // 2
    assert edge >= 0, "the demo model's picture is smaller than its frame"
    middle = picture.pixels[edge : edge + doubled.shape[0], edge : edge + doubled.shape[1]]
    assert np.abs(middle - doubled).max() <= JPEG_ROUNDING


def test_a_wipe_shows_before_on_its_left_and_now_on_its_right(studio: Studio) -> None:
    expect(studio.part("compare-wipe")).to_be_disabled()
    before = studio.picture()
    studio.type("number-age", 80)
    studio.settle()
    now = studio.picture()
    half = now.pixels.shape[1] // 2
    left, right = slice(0, half - 4), slice(half + 4, None)
    drawn = studio.face.evaluate("(canvas) => canvas.toDataURL()")
    studio.part("compare-wipe").click()
    studio.page.wait_for_function(
        "(drawn) => document.querySelector('[data-testid=face]').toDataURL() !== drawn", arg=drawn
    )
    wiped = studio.picture()
    assert difference(wiped, now, right) == 0
    assert difference(wiped, before, left) < difference(wiped, now, left) / 2
    studio.part("wipe").press("Home")
    studio.part("wipe").press("Home")
    studio.wait_for_newest_frame()
    expect(studio.part("wipe")).to_have_attribute("aria-valuenow", "0")
    assert studio.picture().looks_like(now)
    studio.part("compare-wipe").click()
    expect(studio.part("wipe")).to_have_count(0)


def test_any_step_of_the_history_can_stand_beside_the_picture(studio: Studio) -> None:
    studio.part("history-compare").click()
    studio.part("dice").click()
    studio.settle()
    expect(studio.part("compare-forget")).to_contain_text("the first")
    studio.part("compare-beside").click()
    other = studio.part("face-before")
    expect(other).to_be_visible()
    studio.part("zoom-in").click()
    expect(studio.face).not_to_have_attribute("data-zoom", "fit")
    expect(other).to_have_attribute("data-zoom", zoom(studio) or "")
    studio.part("compare-forget").click()
    expect(other).to_have_count(0)
    expect(studio.part("compare-beside")).to_be_disabled()


def test_two_fingers_zoom_and_one_moves_the_picture_and_not_the_page(studio: Studio) -> None:
    browser = studio.page.context.browser
    assert browser
    with browser.new_context(has_touch=True, viewport={"width": 390, "height": 844}) as context:
        phone = Studio(context.new_page(), studio.url)
        phone.open()
        left, top, side = box(phone)
        hand = context.new_cdp_session(phone.page)

        def touch(kind: str, *places: tuple[float, float]) -> None:
            points = [{"x": left + x * side, "y": top + y * side, "id": i} for i, (x, y) in enumerate(places)]
            hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", (0.45, 0.5), (0.55, 0.5))
        for spread in (0.1, 0.15, 0.2):
            touch("touchMove", (0.5 - spread, 0.5), (0.5 + spread, 0.5))
        touch("touchEnd")
        expect(phone.face).not_to_have_attribute("data-zoom", "fit")
        near = phone.picture()
        touch("touchStart", (0.5, 0.7))
        for y in (0.6, 0.4, 0.3):
            touch("touchMove", (0.5, y))
        touch("touchEnd")
        phone.wait_for_newest_frame()
        assert not phone.picture().looks_like(near)
        assert phone.page.evaluate("() => scrollY") == 0
        phone.part("stage-tools").click()
        phone.part("zoom-fit").click()
        expect(phone.face).to_have_attribute("data-zoom", "fit")
        assert phone.unexpected_complaints() == []
