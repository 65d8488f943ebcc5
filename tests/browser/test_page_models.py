"""Models in a real browser: the list, going from one to another and back, and those that cannot be used."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio

OTHER = "ada_uncond_r32_map8"


@pytest.fixture(scope="module")
def checkpoints(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, demo_bundle: Path, fixtures: Path
) -> Path:
    """The demo model, a pickle of NVIDIA's code, and a file that is no model."""
    folder = tmp_path_factory.mktemp("checkpoints")
    shutil.copytree(demo_bundle, folder / "demo")
    shutil.copytree(repository / "checkpoints" / "face-detector", folder / "face-detector")
    shutil.copy(fixtures / "nvidia" / f"{OTHER}.pkl", folder)
    (folder / "letter.safetensors").write_text("Dear all, this is not a model.")
    return folder


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Iterator[ServerProcess]:
    """A server on that folder."""
    running = ServerProcess(tmp_path_factory.mktemp("server"), checkpoints)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def studio(page: Page, model_server: ServerProcess) -> Iterator[Studio]:
    """An open page whose pickle is ready to be used."""
    studio = Studio(page, model_server.url)
    studio.open()
    studio.part("model").click()
    expect(row(studio, OTHER)).to_have_attribute("data-state", "ready")
    studio.part("models-close").click()
    yield studio
    assert studio.unexpected_complaints() == []


def row(studio: Studio, name: str) -> Locator:
    return studio.part(f"model-{name}")


def choose(studio: Studio, name: str) -> None:
    """Open the list, press the model, and wait for its picture."""
    studio.part("model").click()
    row(studio, name).get_by_role("button").click()
    expect(studio.part("chooser")).to_be_hidden()
    studio.settle()


def test_another_model_makes_the_same_seed_and_back_it_is_the_first_picture(studio: Studio) -> None:
    first, seed = studio.picture(), studio.value("seed")
    choose(studio, OTHER)
    assert not studio.picture().looks_like(first)
    assert studio.value("seed") == seed
    expect(studio.part("model")).to_contain_text(OTHER)
    expect(studio.part("slider-age")).to_have_count(0)
    expect(studio.page.locator("#face")).to_contain_text("without an attribute flow")
    choose(studio, "demo")
    assert studio.picture().is_identical_to(first)
    expect(studio.part("slider-age")).to_be_enabled()


def test_undo_goes_back_to_the_model_and_its_edits(studio: Studio) -> None:
    studio.type("number-age", 70)
    studio.settle()
    edited = studio.picture()
    choose(studio, OTHER)
    assert "edit" not in studio.caption()
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(edited)
    assert studio.value("slider-age") == 70


def test_a_reload_restores_the_model(studio: Studio) -> None:
    with studio.page.expect_response(lambda answer: answer.url.endswith("/history") and answer.ok):
        choose(studio, OTHER)
    picture = studio.picture()
    studio.page.reload()
    studio.settle()
    assert studio.picture().is_identical_to(picture)
    expect(studio.part("model")).to_contain_text(OTHER)


def test_a_file_that_is_no_model_is_listed_with_the_reason(studio: Studio) -> None:
    studio.part("model").click()
    letter = row(studio, "letter")
    expect(letter).to_contain_text("letter.safetensors")
    expect(letter).to_contain_text("not a safetensors file")
    expect(letter.get_by_role("button")).to_have_count(0)
    expect(row(studio, "demo")).to_contain_text("128 × 128 · Apache-2.0")


def test_the_list_is_used_by_keyboard_alone(studio: Studio) -> None:
    studio.part("model").focus()
    studio.page.keyboard.press("Enter")
    expect(studio.part("chooser")).to_be_visible()
    seed = studio.value("seed")
    studio.page.keyboard.press("r")
    assert studio.value("seed") == seed, "the shortcuts of the page behind do nothing here"
    studio.page.keyboard.press("Escape")
    expect(studio.part("chooser")).to_be_hidden()
    expect(studio.part("model")).to_be_focused()
    studio.page.keyboard.press("Enter")
    other = row(studio, OTHER).get_by_role("button")
    for _ in range(10):
        studio.page.keyboard.press("Tab")
        if other.evaluate("(button) => button === document.activeElement"):
            break
    studio.page.keyboard.press("Enter")
    expect(studio.part("chooser")).to_be_hidden()
    studio.settle()
    expect(studio.part("model")).to_contain_text(OTHER)


def test_a_model_that_fails_to_load_says_why_and_leaves_the_others(studio: Studio, checkpoints: Path) -> None:
    studio.expected.append("the server responded with a status of 503")
    first = studio.picture()
    bundle = checkpoints / "damaged"
    shutil.copytree(checkpoints / "demo", bundle)
    weights = bundle / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    try:
        studio.part("model").click()
        row(studio, "demo-2").get_by_role("button").click()
        failed = studio.part("picture-failed")
        expect(failed).to_contain_text("sha256")
        assert studio.picture().is_identical_to(first), "the last picture stays"
        expect(studio.page.locator("#face")).to_contain_text("cannot be used")
        studio.part("choose-model").click()
        expect(row(studio, "demo-2")).to_have_attribute("data-state", "refused")
        row(studio, "demo").get_by_role("button").click()
        studio.settle()
        assert studio.picture().is_identical_to(first)
        studio.part("undo").click()
        expect(failed).to_be_visible()
        shutil.copy(checkpoints / "demo" / weights.name, weights)
        studio.part("retry").click()
        studio.settle()
        assert studio.picture().is_identical_to(first)
    finally:
        shutil.rmtree(bundle)


def test_a_model_that_is_put_there_appears_by_itself(studio: Studio, checkpoints: Path) -> None:
    studio.part("model").click()
    expect(row(studio, "demo")).to_be_visible()
    added = checkpoints / "added.safetensors"
    shutil.copy(checkpoints / "demo" / "generator.safetensors", added)
    try:
        row(studio, "added").get_by_role("button").click()
        studio.settle()
        expect(studio.part("model")).to_contain_text("added")
    finally:
        added.unlink()


def test_a_search_whose_model_is_gone_says_so_and_what_to_do(
    studio: Studio, checkpoints: Path, astronaut: bytes
) -> None:
    choose(studio, OTHER)
    studio.choose_photo("portrait.jpg", astronaut)
    studio.type("steps", 1000)
    studio.part("project").click()
    expect(studio.part("figures")).to_be_visible()
    studio.part("pause").click()
    expect(studio.part("search")).to_have_attribute("data-state", "paused")
    file = checkpoints / f"{OTHER}.pkl"
    content = file.read_bytes()
    file.unlink()
    try:
        studio.page.request.post(f"{studio.url}/api/v1/models/refresh")
        studio.part("resume").click()
        outcome = studio.part("outcome")
        expect(outcome).to_have_attribute("data-state", "failed")
        expect(outcome).to_contain_text(f"The search failed. The model {OTHER} is not here any more.")
        expect(outcome).to_contain_text("Choose another model")
        expect(studio.part("toast")).to_contain_text("The face could not be found")
    finally:
        file.write_bytes(content)


def test_a_phone_has_room_for_the_list(studio: Studio) -> None:
    studio.page.set_viewport_size({"width": 390, "height": 844})
    first = studio.picture()
    studio.part("model").click()
    box = studio.part("chooser").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] <= 844
    studio.part("models-close").click()
    choose(studio, OTHER)
    assert not studio.picture().looks_like(first)
    assert studio.page.evaluate("() => document.scrollingElement.scrollWidth") <= 390
