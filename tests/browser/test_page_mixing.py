"""Mixing faces as a person does it: crossover, presets, cells, looking before choosing, a finger."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.studio import Picture, Studio, all_different


def shown(studio: Studio) -> bytes:
    """The canvas, whatever it shows."""
    return studio.face.screenshot()


def strength(cell: Locator) -> str:
    label = cell.get_attribute("aria-label") or ""
    return label.rsplit(" ", 1)[-1]


def middle(part: Locator) -> tuple[float, float]:
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], to: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*to, steps=6)
    page.mouse.up()


def test_the_crossover_is_dragged_over_the_layers(studio: Studio) -> None:
    first = studio.picture()
    studio.type("mix-seed", 12345)
    studio.settle()
    expect(studio.part("mix-enable")).to_be_checked()
    pictures: dict[float, Picture] = {}
    for part in (0.5, 0.0, 1.0):
        studio.take("crossover")
        studio.pull("crossover", part, moves=6)
        studio.release()
        pictures[part] = studio.picture()
        if part == 0.5:
            expect(studio.part("crossover-level")).to_have_text("Middle: from layer 6 on, 32 × 32")
    assert pictures[1.0].is_identical_to(first), "no layer is taken from past the last one"
    assert all_different(list(pictures.values()))
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(pictures[0.0]), "one drag is one step"
    studio.part("crossover").press("End")
    studio.part("crossover").press("ArrowLeft")
    expect(studio.part("crossover-level")).to_have_text("Fine: from layer 11 on, 128 × 128")
    studio.part("mix-enable").click()
    studio.type("seed", 12345)
    studio.settle()
    assert studio.picture().is_identical_to(pictures[0.0]), "from layer 0 on it is the second face"


def test_every_layer_of_every_face_has_a_strength(studio: Studio) -> None:
    studio.part("mix-enable").click()
    studio.part("mix-add").click()
    studio.part("band-coarse").click()
    expect(studio.part("band-coarse")).to_have_attribute("aria-pressed", "true")
    studio.settle()
    mixed = studio.picture()
    one, other = studio.part("mix-cell-1-5"), studio.part("mix-cell-0-5")
    expect(other).to_have_attribute("aria-pressed", "true")
    one.click()
    expect(one).to_have_attribute("aria-pressed", "true")
    expect(other).to_have_attribute("aria-pressed", "false")  # in full a layer is of one face
    x, y = middle(one)
    drag(studio.page, (x, y), (x, y + 60))
    expect(one).to_have_attribute("aria-pressed", "mixed")
    assert strength(one) == "40%"
    studio.settle()
    assert not studio.picture().looks_like(mixed)
    studio.page.keyboard.press("PageUp")
    assert strength(one) == "50%"
    studio.type("number-mix-strength", 0.75)  # of the layer that was pressed last
    assert strength(one) == "75%"
    drag(studio.page, middle(studio.part("mix-cell-1-7")), middle(studio.part("mix-cell-1-10")))
    for layer in (7, 8, 9, 10):
        expect(studio.part(f"mix-cell-1-{layer}")).to_have_attribute("aria-pressed", "true")
    for _ in range(6):  # cells, two strengths, a drag, a click
        studio.part("undo").click()
        studio.settle()
        if studio.picture().is_identical_to(mixed):
            break
    assert studio.picture().is_identical_to(mixed)


def test_the_keyboard_reaches_every_cell(studio: Studio) -> None:
    studio.part("mix-enable").click()
    studio.part("mix-cell-0-0").focus()
    for key in ("ArrowRight", "ArrowRight", "Space"):
        studio.page.keyboard.press(key)
    expect(studio.part("mix-cell-0-2")).to_be_focused()
    expect(studio.part("mix-cell-0-2")).to_have_attribute("aria-pressed", "true")
    studio.page.keyboard.press("End")
    expect(studio.part("mix-cell-0-11")).to_be_focused()
    studio.part("mix-remove").click()
    expect(studio.part("mix-source-0")).to_have_count(0)
    expect(studio.part("mix-enable")).to_be_disabled()
    studio.part("mix-add").click()
    expect(studio.part("mix-enable")).to_be_checked()


def test_a_mix_is_looked_at_before_it_is_chosen(studio: Studio) -> None:
    studio.part("mix-enable").click()
    studio.settle()
    document, sent = shown(studio), len(studio.edits)
    with studio.page.expect_response(lambda answer: answer.url.endswith("/render")):
        studio.part("band-coarse").hover()
    expect(studio.part("mix")).to_have_attribute("data-trying", "1")
    assert shown(studio) != document
    studio.page.mouse.move(5, 5)
    expect(studio.part("mix")).to_have_attribute("data-trying", "0")
    assert shown(studio) == document
    assert len(studio.edits) == sent, "looking is no edit"


def test_a_face_of_the_gallery_can_be_mixed_in(studio: Studio) -> None:
    session = studio.page.evaluate("() => localStorage.getItem('latent-loom.session')")
    api = f"{studio.url}/api/v1/sessions/{session}"
    document = studio.page.request.get(api).json()["document"]
    edited = document | {"base": document["base"] | {"seed": 77}, "attributes": {"age": 75.0}}
    for kept in (document, edited):
        assert studio.page.request.post(f"{api}/gallery", data={"document": kept, "name": ""}).ok
    studio.reload()
    studio.part("mix-faces").locator("summary").click()
    expect(studio.part("mix-own-face")).to_have_count(2)
    studio.part("mix-own-face").first.click()  # the newest, which has edits: it is stored as a latent
    expect(studio.part("mix-source-0")).to_be_visible()
    expect(studio.part("mix-enable")).to_be_checked()
    studio.settle()
    expect(studio.part("mix-seed")).to_have_value("")


def test_a_finger_presses_cells_and_scrolls_the_layers(studio: Studio) -> None:
    browser = studio.page.context.browser
    assert browser
    with browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as context:
        phone = Studio(context.new_page(), studio.url)
        phone.open()
        phone.part("mix-enable").tap()
        cell = phone.part("mix-cell-0-1")
        cell.tap()
        expect(cell).to_have_attribute("aria-pressed", "true")
        box = cell.bounding_box()
        assert box and min(box["width"], box["height"]) >= 44
        phone.part("mix-cell-0-11").scroll_into_view_if_needed()
        phone.part("mix-cell-0-11").tap()
        expect(phone.part("mix-cell-0-11")).to_have_attribute("aria-pressed", "false")
        phone.part("band-fine").tap()
        expect(phone.part("band-fine")).to_have_attribute("aria-pressed", "true")
        expect(phone.part("mix")).to_have_attribute("data-trying", "0")
        assert phone.page.evaluate("() => document.scrollingElement.scrollWidth") <= 390
        for key in ("End", "ArrowLeft"):
            phone.part("crossover").press(key)
        phone.settle()
        phone.reload()
        expect(phone.part("crossover")).to_have_value("11")
        thumb = phone.part("crossover").evaluate(
            "(line) => line.getBoundingClientRect().left + (line.value / line.max) * line.offsetWidth"
        )
        assert 0 < thumb < 390, "the line comes into view"
        assert phone.unexpected_complaints() == []
