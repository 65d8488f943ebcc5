"""The page in a real browser: a face, and everything that changes it."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.studio import Studio, all_different


def test_the_page_opens_with_a_face(studio: Studio) -> None:
    expect(studio.page).to_have_title("Latent Loom")
    assert studio.picture().pixels.std(axis=(0, 1)).min() > 10, "the picture is a plain surface"
    assert studio.value("seed") >= 0
    assert studio.caption().startswith("Seed")


def test_the_sliders_stand_where_the_face_is(studio: Studio) -> None:
    for name in ("gender", "glasses", "yaw", "pitch", "baldness", "beard", "age", "expression"):
        expect(studio.part(f"slider-{name}")).to_be_enabled()
    session = studio.page.evaluate("() => localStorage.getItem('latent-loom.session')")
    answer = studio.page.request.get(f"{studio.url}/api/v1/sessions/{session}")
    reading = studio.page.request.post(
        f"{studio.url}/api/v1/attributes", data={"document": answer.json()["document"]}
    )
    assert studio.value("slider-age") == pytest.approx(reading.json()["base"]["age"], abs=0.51)


def test_dragging_age_changes_the_picture_as_the_hand_moves(studio: Studio) -> None:
    pictures = [studio.picture()]
    studio.take("slider-age")
    for fraction in (0.1, 0.5, 0.7, 0.95):
        studio.pull("slider-age", fraction)
        studio.wait_for_newest_frame()
        pictures.append(studio.picture())
    studio.release()
    assert all_different(pictures)


def test_dragging_age_back_brings_the_identical_first_picture(studio: Studio) -> None:
    first, at_first = studio.picture(), studio.fraction("slider-age")
    studio.take("slider-age")
    studio.pull("slider-age", 0.95, moves=15)
    studio.wait_for_newest_frame()
    assert not studio.picture().looks_like(first)
    studio.pull("slider-age", at_first, moves=15)
    studio.release()
    assert studio.picture().is_identical_to(first)
    assert "edit" not in studio.caption()


def test_the_last_position_of_a_fast_drag_ends_on_screen(studio: Studio) -> None:
    studio.take("slider-age")
    for fraction in (0.9, 0.1, 0.8, 0.2, 0.7):
        studio.pull("slider-age", fraction, moves=12)
    studio.release()
    dragged, age = studio.picture(), studio.value("slider-age")
    studio.part("reset-all").click()
    studio.settle()
    assert not studio.picture().looks_like(dragged)
    studio.type("number-age", age)
    studio.settle()
    assert studio.picture().is_identical_to(dragged)


def test_a_slider_answers_the_arrow_keys(studio: Studio) -> None:
    first, yaw = studio.picture(), studio.value("slider-yaw")
    key = "ArrowLeft" if yaw > 0 else "ArrowRight"
    studio.part("slider-yaw").press(f"Shift+{key}")
    studio.settle()
    assert studio.value("slider-yaw") != yaw
    assert not studio.picture().looks_like(first)


def test_the_order_of_edits_does_not_matter(studio: Studio) -> None:
    studio.type("number-age", 70)
    studio.type("number-yaw", 20)
    studio.settle()
    picture = studio.picture()
    studio.part("reset-all").click()
    studio.type("number-yaw", 20)
    studio.type("number-age", 70)
    studio.settle()
    assert studio.picture().is_identical_to(picture)


def test_a_new_face_and_back_again(studio: Studio) -> None:
    first, seed = studio.picture(), studio.value("seed")
    studio.part("dice").click()
    studio.settle()
    second = studio.picture()
    assert studio.value("seed") != seed
    assert not second.looks_like(first)
    studio.part("undo").click()
    studio.settle()
    assert studio.value("seed") == seed
    assert studio.picture().is_identical_to(first)
    studio.part("redo").click()
    studio.settle()
    assert studio.picture().is_identical_to(second)


def test_one_drag_is_one_step_of_undo(studio: Studio) -> None:
    first = studio.picture()
    studio.take("slider-age")
    studio.pull("slider-age", 0.9, moves=10)
    studio.release()
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)
    expect(studio.part("undo")).to_be_disabled()


def test_without_truncation_strength_every_seed_is_the_average_face(studio: Studio) -> None:
    varied = studio.picture()
    studio.type("number-psi", 0)
    studio.settle()
    average = studio.picture()
    assert not average.looks_like(varied)
    studio.type("seed", 4711)
    studio.settle()
    assert studio.picture().is_identical_to(average)


@pytest.mark.parametrize("field", ["seed", "mix-seed"])
def test_a_seed_being_typed_survives_a_picture_that_arrives(studio: Studio, field: str) -> None:
    first = studio.picture()
    studio.part(field).fill("12345")
    studio.part("noise-resample").evaluate("(button) => button.click()")  # leaves the focus in the field
    studio.settle()
    expect(studio.part(field)).to_have_value("12345")
    noisy = studio.picture()
    assert not noisy.is_identical_to(first)
    studio.part(field).press("Enter")
    studio.settle()
    assert studio.value(field) == 12345
    assert not studio.picture().looks_like(noisy)


def test_noise_can_be_drawn_again_and_put_back(studio: Studio) -> None:
    first = studio.picture()
    studio.part("noise-resample").click()
    studio.settle()
    assert not studio.picture().looks_like(first)
    studio.part("noise-reset").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)


def test_the_download_is_a_png_in_the_models_resolution(studio: Studio) -> None:
    with studio.page.expect_download() as download:
        studio.part("download").click()
    content = download.value.path().read_bytes()
    picture = Image.open(BytesIO(content))
    model = studio.page.request.get(f"{studio.url}/api/v1/models").json()[0]
    assert picture.format == "PNG"
    assert picture.size == (model["img_resolution"], model["img_resolution"])
    assert download.value.suggested_filename.endswith(".png")


def test_a_reload_restores_the_edit(studio: Studio) -> None:
    studio.part("dice").click()
    studio.settle()
    with studio.page.expect_response(lambda answer: answer.url.endswith("/history") and answer.ok):
        studio.take("slider-age")
        studio.pull("slider-age", 0.9, moves=5)
        studio.release()
    seed, age, picture = studio.value("seed"), studio.value("slider-age"), studio.picture()
    studio.reload()
    assert studio.value("seed") == seed
    assert studio.value("slider-age") == age
    assert studio.picture().is_identical_to(picture)


def test_another_visitor_has_a_session_of_their_own(studio: Studio) -> None:
    studio.type("number-age", 75)
    studio.settle()
    browser = studio.page.context.browser
    assert browser
    with browser.new_context() as context:
        other = Studio(context.new_page(), studio.url)
        other.open()
        assert "edit" not in other.caption()
        assert other.unexpected_complaints() == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_the_page_fits_its_window_at(studio: Studio, width: int) -> None:
    studio.page.set_viewport_size({"width": width, "height": 844})
    studio.settle()
    scroll = studio.page.evaluate("() => document.scrollingElement.scrollWidth")
    assert scroll <= width
    box = studio.face.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= width


def test_a_phone_can_reach_every_section_and_edit(studio: Studio) -> None:
    studio.page.set_viewport_size({"width": 390, "height": 844})
    studio.reload()
    first = studio.picture()
    studio.part("jump-noise").click()
    expect(studio.part("noise-resample")).to_be_in_viewport()
    studio.part("jump-face").click()
    expect(studio.part("slider-age")).to_be_in_viewport()
    studio.type("number-age", 75)
    studio.settle()
    assert not studio.picture().looks_like(first)


def test_dark_and_light_follow_the_system_until_chosen(studio: Studio) -> None:
    def brightness() -> float:
        colour = studio.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3])

    studio.page.emulate_media(color_scheme="light")
    light = brightness()
    studio.page.emulate_media(color_scheme="dark")
    assert brightness() < light
