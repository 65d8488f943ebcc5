"""The history: a tree that keeps everything, over branches, reloads, restarts and windows."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio


def rows(studio: Studio) -> Locator:
    """The steps, newest first."""
    return studio.part("history-node")


def current(studio: Studio) -> Locator:
    return studio.page.locator('[data-testid="history-node"][aria-selected="true"]')


def everything_is_kept(studio: Studio) -> None:
    """Wait until the server has all steps; then no gesture goes on either."""
    expect(studio.page.locator('[data-testid="history-node"][data-fate="new"]')).to_have_count(0)


def set_age(studio: Studio, value: int) -> None:
    """One step of its own."""
    studio.type("number-age", value)
    studio.settle()
    everything_is_kept(studio)


def test_an_edit_after_undo_makes_a_branch_and_both_stay(studio: Studio) -> None:
    first = studio.picture()
    set_age(studio, 70)
    old = studio.picture()
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)
    set_age(studio, 20)
    young = studio.picture()
    expect(rows(studio)).to_have_count(3)
    assert [rows(studio).nth(row).get_attribute("aria-level") for row in range(3)] == ["2", "1", "1"]
    rows(studio).nth(1).click()
    studio.settle()
    assert studio.picture().is_identical_to(old)
    assert studio.value("slider-age") == 70
    rows(studio).nth(0).click()
    studio.settle()
    assert studio.picture().is_identical_to(young)
    expect(rows(studio).locator("img")).to_have_count(3)


def test_arrow_keys_walk_through_the_tree(studio: Studio) -> None:
    set_age(studio, 70)
    studio.part("undo").click()
    studio.settle()
    set_age(studio, 20)
    current(studio).focus()
    for key, age in (("ArrowDown", 70), ("ArrowLeft", None), ("ArrowRight", 70), ("Home", 20), ("End", None)):
        studio.page.keyboard.press(key)
        studio.settle()
        expect(current(studio)).to_be_focused()
        if age is None:
            expect(current(studio)).to_have_attribute("aria-label", re.compile("the first"))
        else:
            assert studio.value("slider-age") == age
    expect(studio.part("undo")).to_be_disabled()


def test_a_history_survives_a_reload_a_restart_and_a_lost_connection(
    studio: Studio, server: ServerProcess
) -> None:
    studio.expected += ["WebSocket connection", "ERR_CONNECTION_REFUSED", "Failed to load resource"]
    set_age(studio, 70)
    studio.part("undo").click()
    studio.settle()
    set_age(studio, 20)
    young = studio.picture()
    studio.part("history-name").fill("Young <b>")
    studio.part("history-name").press("Enter")
    expect(current(studio)).to_contain_text("Young <b>")
    everything_is_kept(studio)
    other = Studio(studio.page.context.new_page(), studio.url)
    other.open()
    server.stop()
    for page in (studio, other):
        expect(page.part("connection")).to_have_attribute("data-state", "lost")
    studio.type("number-yaw", 20)
    studio.part("undo").click()
    studio.type("number-yaw", -20)
    other.type("number-pitch", 10)
    other.page.goto("about:blank")  # closed before there is a connection again
    server.start()
    studio.page.evaluate(
        "dispatchEvent(new Event('online'))"
    )  # else it waits longer and longer between tries
    studio.settle()
    everything_is_kept(studio)
    studio.reload()
    expect(rows(studio)).to_have_count(6)
    expect(rows(studio).first).to_contain_text("Pitch")
    studio.settle()
    assert studio.value("slider-pitch") == 10
    rows(studio).nth(1).click()
    studio.settle()
    assert studio.value("slider-yaw") == -20
    studio.part("undo").click()
    studio.settle()
    assert studio.picture().is_identical_to(young)
    expect(current(studio)).to_contain_text("Young <b>")
    studio.part("redo").click()
    studio.settle()
    assert studio.value("slider-yaw") == -20


def test_two_windows_of_a_session_both_keep_what_they_make(studio: Studio) -> None:
    set_age(studio, 70)
    everything_is_kept(studio)
    other = Studio(studio.page.context.new_page(), studio.url)
    other.open()
    expect(rows(other)).to_have_count(2)
    set_age(other, 20)
    expect(rows(studio)).to_have_count(3)
    assert studio.value("slider-age") == 70, "nobody is moved by another window"
    set_age(studio, 50)
    expect(rows(other)).to_have_count(4)
    assert other.value("slider-age") == 20
    levels = {rows(other).nth(row).get_attribute("aria-level") for row in range(4)}
    assert levels == {"1", "2"}, "both are branches"
    assert other.unexpected_complaints() == []
    other.page.close()


def test_starting_over_deletes_the_session_and_begins_a_new_one(studio: Studio, astronaut: bytes) -> None:
    studio.expected.append("409")  # the browser's own word for what is refused below
    first = studio.picture()
    set_age(studio, 70)
    studio.part("gallery-add").click()
    studio.choose_photo("me.jpg", astronaut)
    session = studio.page.evaluate("localStorage.getItem('latent-loom.session')")
    studio.part("schedule").select_option("published")
    studio.part("project").click()
    expect(studio.part("cancel")).to_be_visible()
    studio.part("start-over").click()
    studio.part("start-over-delete").click()
    expect(studio.part("refused")).to_contain_text("Cancel it")
    studio.page.keyboard.press("Escape")
    studio.part("cancel").click()
    expect(studio.part("outcome")).to_be_visible()
    studio.part("start-over").click()
    studio.part("start-over-delete").click()
    expect(studio.part("start-over-dialog")).to_have_count(0)
    studio.settle()
    assert studio.picture().is_identical_to(first)
    expect(rows(studio)).to_have_count(1)
    expect(studio.part("gallery-item")).to_have_count(0)
    expect(studio.part("outcome")).to_have_count(0)
    assert studio.page.evaluate("localStorage.getItem('latent-loom.session')") != session
    assert studio.page.request.get(f"{studio.url}/api/v1/sessions/{session}").status == 404


def test_a_branch_is_deleted_after_a_second_word(studio: Studio) -> None:
    first = studio.picture()
    set_age(studio, 70)
    set_age(studio, 20)
    rows(studio).nth(1).click()
    studio.settle()
    studio.part("history-delete").click()
    expect(rows(studio)).to_have_count(3)
    studio.part("history-delete").click()
    expect(rows(studio)).to_have_count(1)
    studio.settle()
    assert studio.picture().is_identical_to(first)
    expect(studio.part("history-delete")).to_be_disabled()
    studio.reload()
    expect(rows(studio)).to_have_count(1)
