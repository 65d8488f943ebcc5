"""Who does not point with a mouse uses the page, too: keyboard, focus, targets for a finger; no motion."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio

LEAST_TARGET = 44  # CSS pixels, for a finger

# What is drawn around an element that has the focus: an outline on it, or on the field that it stands in.
FOCUS_MARK = """(element) => {
  element.focus({ focusVisible: true });
  if (document.activeElement !== element) return "cannot be focused";
  for (let each = element, level = 0; each && level < 3; each = each.parentElement, level += 1) {
    const { outlineStyle, outlineWidth, visibility } = getComputedStyle(each);
    if (visibility !== "visible") return "is not visible";
    if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) return "";
  }
  return "has no mark of its focus";
}"""

# How many controls are shown, or which of them are smaller than a finger needs.
CONTROLS_SHOWN = """(least) => {
  const all = "button:enabled, a[href], input:enabled, select:enabled, summary";
  const controls = [...document.querySelectorAll(all)]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.tabIndex >= 0);
  if (!least) return controls.length;
  return controls.map((each) => each.closest("label") ?? each)
    .map((each) => [each, each.getBoundingClientRect()])
    .filter(([, { width, height }]) => width > 1 && (height < least || width < least))
    .map(([each, { width, height }]) => `${each.outerHTML.slice(0, 100)} ${width} × ${height}`);
}"""
FOLLOW_FOCUS = """() => {
  window.visited = [];
  addEventListener("focusin", ({ target }) => visited.push(target));
}"""
VISITED = """() => [new Set(visited).size, visited.every((each, i) => i === 0 ||
  visited[i - 1].compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING)]"""


def test_every_control_shows_that_it_has_the_focus(studio: Studio) -> None:
    page = studio.page
    controls = page.locator(
        "button:enabled, a[href], input:enabled:not([type=range]), select:enabled, summary"
    )
    unmarked = []
    for each in controls.element_handles():
        if each.is_visible():
            problem = each.evaluate(FOCUS_MARK)
            if problem:
                unmarked.append(f"{each.evaluate('(e) => e.outerHTML.slice(0, 120)')} {problem}")
    assert unmarked == []


def test_a_slider_shows_that_it_has_the_focus(studio: Studio) -> None:
    slider = studio.part("slider-age")
    slider.scroll_into_view_if_needed()
    before = slider.screenshot()
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowLeft")
    studio.settle()
    assert slider.screenshot() != before


def test_the_tab_key_goes_through_the_page_as_it_is_read(studio: Studio) -> None:
    page = studio.page
    stops = page.evaluate(CONTROLS_SHOWN, 0)
    page.evaluate(FOLLOW_FOCUS)
    for _ in range(stops):
        page.keyboard.press("Tab")
    visited, in_order = page.evaluate(VISITED)
    assert visited == stops
    assert in_order


@pytest.mark.parametrize("button", ["model", "find-directions", "ask-faces"])
def test_a_dialog_keeps_the_focus_until_escape_and_gives_it_back(studio: Studio, button: str) -> None:
    opener = studio.part(button)
    opener.focus()
    studio.page.keyboard.press("Enter")
    dialog = studio.page.locator("dialog:modal")
    expect(dialog).to_be_visible()
    for _ in range(dialog.locator("button, input, select, summary, a").count() + 2):
        studio.page.keyboard.press("Tab")
        assert holds_focus(dialog)
    studio.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


def holds_focus(dialog: Locator) -> bool:
    """Whether nothing behind the dialog has the focus; the browser's own bar may have it."""
    return bool(
        dialog.evaluate(
            "(dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body"
        )
    )


def test_the_sheet_of_keys_lists_what_can_be_pressed_and_is_searched(studio: Studio) -> None:
    studio.part("theme").focus()
    studio.page.keyboard.press("?")
    rows = studio.part("keys-row")
    expect(rows.filter(has_text="A new face")).to_have_text(re.compile("R$"))
    expect(rows.filter(has_text="Redo")).to_have_text(re.compile("Ctrl.*Z.*Ctrl.*Y"))
    seed = studio.value("seed")
    plus = rows.filter(has=studio.page.locator("kbd", has_text="+"))
    expect(plus).to_have_count(1)  # the key that also joins others in a combination
    studio.part("keys-find").type("redo")
    expect(rows).to_have_count(1)
    assert studio.value("seed") == seed, "letters typed here are no keys of the page"
    studio.part("keys-find").type(" nothing")
    expect(rows).to_have_count(0)
    studio.page.keyboard.press("Escape")
    expect(studio.part("theme")).to_be_focused()
    studio.page.keyboard.press("r")
    expect(studio.part("seed")).not_to_have_value(str(int(seed)))


def test_a_keyboard_that_writes_hangul_has_the_same_keys(studio: Studio) -> None:
    seed = studio.value("seed")
    studio.page.evaluate(
        """() => document.body.dispatchEvent(new KeyboardEvent("keydown",
             { key: "ㄱ", code: "KeyR", bubbles: true, cancelable: true }))"""
    )
    expect(studio.part("seed")).not_to_have_value(str(int(seed)))


def test_a_finger_finds_every_control(browser: Browser, server: ServerProcess) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    studio = Studio(context.new_page(), server.url)
    studio.open()
    small = studio.page.evaluate(CONTROLS_SHOWN, LEAST_TARGET)
    wider = studio.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert small == []
    assert wider <= 0


def test_nothing_moves_by_itself_for_who_asked_for_that(studio: Studio) -> None:
    studio.page.emulate_media(reduced_motion="reduce")
    studio.part("dice").click()
    assert studio.page.evaluate("() => document.getAnimations().length") == 0
    studio.settle()
