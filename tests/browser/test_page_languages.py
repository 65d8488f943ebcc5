"""The page in another language: chosen, remembered, or the browser's own."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.browser.page_states import NO_FACE_IN_IT
from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio


def test_a_language_is_switched_without_a_reload_and_remembered(studio: Studio) -> None:
    page = studio.page
    heading = page.locator("#explore-title")
    expect(heading).to_have_text("Explore")
    studio.type("number-age", 60)
    studio.settle()
    picture, age = studio.picture(), studio.value("slider-age")
    page.evaluate("() => { window.before = true; }")
    studio.part("language").select_option("ko")
    expect(heading).to_have_text("탐색")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_label("나이", exact=True)).to_have_value(str(age).removesuffix(".0"))
    assert page.evaluate("() => window.before"), "the page was loaded anew"
    assert studio.picture().is_identical_to(picture)
    studio.reload()
    expect(heading).to_have_text("탐색")
    studio.part("language").select_option("en")
    expect(heading).to_have_text("Explore")


def test_a_browser_that_prefers_korean_gets_it_and_english_details(
    browser: Browser, server: ServerProcess
) -> None:
    context = browser.new_context(locale="ko-KR")
    studio = Studio(context.new_page(), server.url)
    studio.expected.append("415")
    studio.open()
    expect(studio.part("dice")).to_have_text("새 얼굴")
    studio.choose_photo("letter.jpg", NO_FACE_IN_IT)
    expect(studio.part("toast")).to_contain_text("지원하지 않는 이미지입니다")
    expect(studio.part("toast").locator("p").first).to_have_text(re.compile("^[ -~]*picture[ -~]*$"))
    assert studio.unexpected_complaints() == []
    context.close()


def test_the_login_speaks_korean_too(browser: Browser, server: ServerProcess) -> None:
    context = browser.new_context(locale="ko-KR")
    page = context.new_page()
    page.goto(f"{server.url}/login.html")
    expect(page).to_have_title("로그인 · Latent Loom")
    expect(page.locator("#who")).to_have_text("이 서버는 토큰을 요구하지 않습니다.")
    expect(page.locator("#about")).to_contain_text("토큰은 이 서버의 운영자에게 받을 수 있습니다")
    context.close()
