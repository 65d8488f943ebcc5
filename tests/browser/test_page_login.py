"""The login page: in by hand and by link, wrong tokens, out again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from server.access.tokens import new_token
from server.settings import REPOSITORY
from tests.server.harness import RunningServer, make_settings, serving, write_tiny_bundle

TOKEN = new_token()
LINK_TO_A_SEED = """async () => {
  const { linkHash } = await import("/link.js");
  const [{ name, generator }] = await (await fetch("/api/v1/models")).json();
  const base = { kind: "seed", seed: 4242, truncation_psi: 0.7, truncation_cutoff: null };
  return linkHash({ document: { model: name, base }, generator });
}"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a tiny model that asks for TOKEN."""
    folder: Path = tmp_path_factory.mktemp("locked")
    write_tiny_bundle(folder / "checkpoints" / "tiny", tmp_path_factory.mktemp("parts"))
    settings = make_settings(folder / "data", folder / "checkpoints", REPOSITORY / "frontend")
    with serving(settings.model_copy(update={"token": SecretStr(TOKEN)})) as running:
        yield running


def test_a_token_opens_the_studio_where_one_wanted_to_go(page: Page, locked: RunningServer) -> None:
    page.goto(f"{locked.origin}/?from=a-link#edit=cut-off")
    field = page.get_by_label("Access token")
    expect(field).to_be_focused()
    expect(page.get_by_role("button")).to_have_count(1)
    field.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "This token opens nothing here. Ask whoever runs this server for one."
    )
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{locked.origin}/?from=a-link")
    expect(page.get_by_test_id("face")).to_be_visible()
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "open")
    expect(page.get_by_test_id("toast")).to_contain_text("The link is damaged")  # so it came along


def test_a_link_signs_in_and_does_not_stay_in_the_address(page: Page, locked: RunningServer) -> None:
    page.goto(f"{locked.origin}/login.html?next=https://evil.test/#{TOKEN}")
    page.wait_for_url(f"{locked.origin}/")
    page.get_by_test_id("account").click()
    expect(page.get_by_text("You are signed in.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Access token")).to_be_visible()
    page.goto(locked.origin)
    page.wait_for_url(f"{locked.origin}/login.html?next=%2F")


def test_a_page_whose_token_was_taken_away_leads_to_the_login(page: Page, locked: RunningServer) -> None:
    page.goto(f"{locked.origin}/login.html#{TOKEN}")
    expect(page.get_by_test_id("face")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    page.get_by_test_id("download").dispatch_event("click")
    page.wait_for_url(f"{locked.origin}/login.html?next=%2F")


def test_a_link_to_an_edit_survives_that_the_token_was_taken_away(page: Page, locked: RunningServer) -> None:
    page.goto(f"{locked.origin}/login.html#{TOKEN}")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "open")
    page.wait_for_load_state("networkidle")
    link = page.evaluate(LINK_TO_A_SEED)
    page.context.clear_cookies()
    page.evaluate("(hash) => { location.hash = hash; }", link)
    page.wait_for_url(f"{locked.origin}/login.html?next=%2F#edit=*")
    page.get_by_label("Access token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{locked.origin}/")
    expect(page.get_by_test_id("seed")).to_have_value("4242")
