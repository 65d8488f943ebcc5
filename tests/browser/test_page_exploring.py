"""Exploring: holding and copying a seed, the cutoff, grids of faces, walks, and the map of latents."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.studio import Studio

THERE = re.compile("there")


def frames_of_the_walk(studio: Studio) -> int:
    return int(studio.part("walk-picture").get_attribute("data-frames") or 0)


def faces_of_the_walk(studio: Studio) -> list[str | None]:
    cards = studio.part("walk-faces").locator("li").all()
    return [card.get_attribute("data-seed") for card in cards]


def wait_for_frames(studio: Studio, more_than: int) -> None:
    shown = re.compile(f"^(?!{more_than}$)")
    expect(studio.part("walk-picture")).to_have_attribute("data-frames", shown)


def place_on_the_map(studio: Studio) -> list[float]:
    expect(studio.part("map")).to_have_attribute("data-ready", "yes")
    return [float(part) for part in (studio.part("map").get_attribute("data-place") or "").split()]


def at_part_of_the_map(studio: Studio, across: float, down: float) -> tuple[float, float]:
    studio.part("map").scroll_into_view_if_needed()
    box = studio.part("map").bounding_box()
    assert box
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_held_face_is_not_changed_by_dice_or_key(studio: Studio) -> None:
    seed, picture = studio.value("seed"), studio.picture()
    studio.part("seed-lock").click()
    expect(studio.part("dice")).to_be_disabled()
    studio.page.keyboard.press("r")
    expect(studio.part("toast")).to_be_visible()
    assert studio.value("seed") == seed
    studio.reload()
    expect(studio.part("seed-lock")).to_have_attribute("aria-pressed", "true")
    assert studio.picture().is_identical_to(picture)
    studio.part("seed-lock").click()
    studio.page.keyboard.press("r")
    studio.settle()
    assert studio.value("seed") != seed


def test_of_a_file_that_is_dropped_a_held_face_takes_the_edits_only(studio: Studio) -> None:
    studio.type("number-age", 70)
    studio.settle()
    with studio.page.expect_download() as download:
        studio.part("download").click()
    recipe = download.value.path().read_bytes()
    studio.type("seed", 99)
    studio.settle()
    unedited = studio.picture()
    studio.part("seed-lock").click()
    studio.choose_photo("face.png", recipe, "image/png")
    expect(studio.part("toast").last).to_be_visible()
    studio.settle()
    assert studio.value("seed") == 99
    assert studio.value("slider-age") == 70
    assert not studio.picture().looks_like(unedited)


def test_a_seed_goes_to_the_clipboard_and_the_faces_before_can_be_had_back(studio: Studio) -> None:
    studio.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    first, seed = studio.picture(), int(studio.value("seed"))
    studio.part("seed-copy").click()
    assert studio.page.evaluate("() => navigator.clipboard.readText()") == str(seed)
    for _ in range(2):
        studio.part("dice").click()
        studio.settle()
    expect(studio.part("trail").locator("button")).to_have_count(3)
    for _ in range(2):
        studio.part("previous").click()
        studio.settle()
    assert studio.value("seed") == seed
    assert studio.picture().is_identical_to(first)
    expect(studio.part("previous")).to_be_disabled()


def test_the_cutoff_leaves_fine_layers_untruncated(studio: Studio) -> None:
    studio.type("number-psi", 0)
    studio.settle()
    average = studio.picture()
    layers = int(studio.part("slider-cutoff").get_attribute("max") or 0)
    assert studio.value("slider-cutoff") == layers
    studio.type("number-cutoff", layers // 2)
    studio.settle()
    assert not studio.picture().looks_like(average), "the fine layers are the seed's own"
    studio.part("dice").click()
    studio.settle()
    assert studio.value("slider-cutoff") == layers // 2, "a new face is truncated in the same way"
    studio.part("reset-cutoff").click()
    studio.settle()
    assert studio.picture().is_identical_to(average)


def test_a_grid_grows_and_a_face_is_chosen_from_it_by_keys(studio: Studio) -> None:
    studio.part("open-grid").click()
    expect(studio.part("grid-face-23")).to_have_attribute("data-state", THERE)
    studio.part("grid-more").scroll_into_view_if_needed()
    expect(studio.part("grid-face-24")).to_be_attached()
    studio.part("grid-face-0").focus()
    studio.page.keyboard.press("ArrowRight")
    expect(studio.part("grid-face-1")).to_be_focused()
    studio.page.keyboard.press("s")
    expect(studio.part("grid-keep-1")).to_have_attribute("data-kept", "yes")
    studio.page.keyboard.press("ArrowDown")
    taken = studio.page.evaluate("() => document.activeElement.title")
    studio.page.keyboard.press("Enter")
    expect(studio.part("grid")).to_have_count(0)
    studio.settle()
    assert taken.endswith(str(int(studio.value("seed"))))
    assert "edit" not in studio.caption()


def test_a_variation_is_near_the_face_and_one_step_of_undo(studio: Studio) -> None:
    first, seed = studio.picture(), studio.value("seed")
    studio.part("open-variations").click()
    expect(studio.part("grid-face-0")).to_have_attribute("data-state", THERE)
    studio.part("grid-face-0").click()
    studio.settle()
    varied = studio.picture()
    assert studio.value("seed") == seed
    assert not varied.looks_like(first)
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)
    studio.part("dice").click()
    studio.settle()
    distance = abs(varied.pixels - first.pixels).mean()
    assert distance < abs(studio.picture().pixels - first.pixels).mean()


def test_a_walk_is_made_ordered_played_and_kept(studio: Studio) -> None:
    studio.part("open-walk").click()
    expect(studio.part("walk-play")).to_be_disabled()
    studio.part("walk-add-current").click()
    studio.part("walk-add-new").click()
    studio.part("walk-add-new").click()
    first, second, third = faces_of_the_walk(studio)
    studio.part("walk-face-2").locator(".face-choice").press("Alt+ArrowLeft")
    assert faces_of_the_walk(studio) == [first, third, second]
    expect(studio.part("walk-face-1").locator(".face-choice")).to_be_focused()
    studio.part("walk-face-0").locator(".face-choice").drag_to(
        studio.part("walk-face-2"), target_position={"x": 90, "y": 40}
    )
    assert faces_of_the_walk(studio) == [third, second, first]
    studio.type("walk-seconds-0", 0.5)
    with studio.page.expect_response(lambda answer: '"closed":true' in (answer.request.post_data or "")):
        studio.part("walk-closed").click()
    expect(studio.part("walk-time")).to_contain_text("4.5")
    wait_for_frames(studio, 0)
    before = frames_of_the_walk(studio)
    studio.part("walk-play").click()
    wait_for_frames(studio, before)
    studio.part("walk-play").click()
    studio.reload()
    studio.part("open-walk").click()
    expect(studio.part("walk-face-2")).to_be_visible()
    assert faces_of_the_walk(studio) == [third, second, first]
    expect(studio.part("walk-closed")).to_be_checked()
    expect(studio.part("walk-time")).to_contain_text("4.5")


def test_a_walk_whose_pictures_fail_says_so_and_goes_on_when_asked(studio: Studio) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"title": "Out of memory", "detail": "There is no memory left."})

    studio.expected.append("503")
    studio.page.route("**/walks/picture", refuse)
    studio.part("open-walk").click()
    studio.part("walk-add-current").click()
    studio.part("walk-add-new").click()
    expect(studio.part("walk-failed")).to_contain_text("There is no memory left.")
    studio.page.unroute("**/walks/picture")
    studio.part("walk-failed").get_by_role("button").click()
    expect(studio.part("walk-failed")).to_have_count(0)
    assert frames_of_the_walk(studio) > 0


def test_a_hand_on_the_map_takes_the_face_there_as_one_step(studio: Studio) -> None:
    first = studio.picture()
    studio.part("open-map").click()
    place_on_the_map(studio)
    studio.page.mouse.move(*at_part_of_the_map(studio, 0.5, 0.5))
    studio.page.mouse.down()
    studio.wait_for_newest_frame()
    middle = studio.picture()
    studio.page.mouse.move(*at_part_of_the_map(studio, 0.75, 0.25), steps=4)
    studio.wait_for_newest_frame()
    assert not studio.picture().looks_like(middle), "the picture follows the hand"
    studio.release()
    assert place_on_the_map(studio) == pytest.approx([1.5, 1.5], abs=0.05)
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)


def test_the_map_around_the_average_face_does_not_depend_on_the_face(studio: Studio) -> None:
    pictures = []
    studio.part("open-map").click()
    studio.part("map-ground").select_option("average")
    for _ in range(2):
        studio.part("dice").click()
        studio.settle()
        place_on_the_map(studio)
        studio.page.mouse.click(*at_part_of_the_map(studio, 0.3, 0.6))
        studio.settle()
        pictures.append(studio.picture())
    assert pictures[0].is_identical_to(pictures[1])
    place_on_the_map(studio)
    studio.part("map-place-across").press("ArrowRight")
    studio.settle()
    assert not studio.picture().looks_like(pictures[1])
