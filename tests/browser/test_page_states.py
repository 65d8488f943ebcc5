"""Every state of the page: axe-core finds nothing, Korean says it all and fits; pictures of each to look at.

The pictures are written to build/screenshots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser

from server.settings import REPOSITORY
from tests.browser.page_states import REMEMBER_SOCKETS, STATES, PageState
from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio

AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = REPOSITORY / "build" / "screenshots"
SIZES = {"wide": (1440, 900), "middle": (768, 1024), "narrow": (390, 844)}
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")

# Rules of WCAG 2.2 A and AA and of good practice. Preloading would ask for every style sheet again.
RUN_AXE = """async ([part, rules]) => {
  const options = { resultTypes: ["violations"], preload: false };
  if (rules) options.runOnly = rules;
  const { violations } = await axe.run(document.querySelectorAll(part), options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`));
}"""

SPEAK = "async (code) => { await (await import('/language.js')).setLanguage(code); }"
# What is seen or read aloud, but for what the server says, which is in English. A notice stays as it is.
SAID = """() => {
  const server = ".toast, .problem, .failed p, .model-row, .figures, " +
    "[data-testid=likeness], [data-testid=metric]";
  const said = [];
  for (const each of document.body.querySelectorAll("*")) {
    if (each.closest(server) || !each.checkVisibility({ visibilityProperty: true })) continue;
    const own = [...each.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    said.push(own.map(({ data }) => data).join(" "));
    for (const name of ["aria-label", "title", "alt", "placeholder", "aria-valuetext"])
      said.push(each.getAttribute(name) ?? "");
  }
  return [...new Set(said)].filter((text) => /[A-Za-z]{2,}/.test(text));
}"""
NAMES = re.compile(
    r"Latent Loom|Rendered faces 128|Synthetic faces[^.]*\.|latentloom[a-z ]*|GANSpace|SeFa|LPIPS"
    r"|EfficientNet-Lite0"
    r"|InterFaceGAN|StyleGAN2|PNG|JPEG|WebP|WebM|MP4|GIF|ZIP|URL|GPU|CPU|npz|npy|safetensors"
    r"|Map axis|NVIDIA projector\.py"
    r"|Ctrl|Shift|Alt|Delete|Enter|Space|Esc|Home|End|Page (?:Up|Down)"
    r"|(?<![a-z])(?:ms|px|cpu|portrait\.jpg|letter\.jpg|slerp|lerp)(?![a-z])",
)
# Labels and headings that do not hold their text, and whether the page is wider than its window.
TOO_WIDE = """() => [...document.querySelectorAll("html, button, label, h2, h3, summary, legend, dt")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest(".visually-hidden"))
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 1)
  .filter((each) => getComputedStyle(each).display !== "inline")
  .map((each) => `${each.outerHTML.slice(0, 140)} ${each.scrollWidth} > ${each.clientWidth}`)"""


@dataclass(frozen=True)
class Walk:
    """One page that goes through all states."""

    studio: Studio
    photo: bytes


@pytest.fixture(scope="module")
def walk(browser: Browser, server: ServerProcess, astronaut: bytes) -> Iterator[Walk]:
    """The page, with axe-core in it; at the end its console has said nothing unexpected."""
    assert AXE.is_file(), "axe-core is missing: `make test` installs it, as does `npm ci` in frontend/"
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(REMEMBER_SOCKETS)
    studio = Studio(context.new_page(), server.url)
    # axe-core tries an inline style, which the page's policy forbids
    studio.expected.append("Applying inline style violates")
    studio.open()
    studio.page.evaluate(AXE.read_text("utf-8"))
    yield Walk(studio, astronaut)
    assert studio.unexpected_complaints() == []
    context.close()


@pytest.fixture(scope="module", params=STATES, ids=lambda state: str(state.name))
def state(request: pytest.FixtureRequest, walk: Walk) -> Iterator[PageState]:
    """The page in this state."""
    state: PageState = request.param
    resize(walk.studio, "wide")
    state.enter(walk.studio, walk.photo)
    yield state
    resize(walk.studio, "wide")
    state.leave(walk.studio)


def resize(studio: Studio, size: str) -> None:
    width, height = SIZES[size]
    studio.page.set_viewport_size({"width": width, "height": height})


def test_axe_finds_nothing_at_any_size_in_any_theme(walk: Walk, state: PageState) -> None:
    page = walk.studio.page
    found = []
    for i, size in enumerate(SIZES):
        resize(walk.studio, size)
        theme, other = THEMES[i % 2], THEMES[1 - i % 2]
        page.emulate_media(color_scheme=other, reduced_motion="reduce")
        # names and roles are the same in both themes
        contrast = page.evaluate(RUN_AXE, [state.part, ["color-contrast"]])
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{size}, {other}: {each}" for each in contrast]
        found += [f"{size}, {theme}: {each}" for each in page.evaluate(RUN_AXE, [state.part, None])]
        page.screenshot(path=SCREENSHOTS / f"{state.name}-{size}-{theme}.png")
    assert not found, "\n".join(found)


def test_korean_says_everything_and_fits(walk: Walk, state: PageState) -> None:
    page = walk.studio.page
    page.evaluate(SPEAK, "ko")
    problems = [text for text in page.evaluate(SAID) if re.search("[A-Za-z]{3}", NAMES.sub("", text))]
    for size in ("wide", "narrow"):
        resize(walk.studio, size)
        problems += [f"{size}: {each}" for each in page.evaluate(TOO_WIDE)]
        page.screenshot(path=SCREENSHOTS / f"{state.name}-{size}-korean.png")
    page.evaluate(SPEAK, "en")
    assert not problems, "\n".join(problems)


def test_english_fits(walk: Walk, state: PageState) -> None:
    del state
    resize(walk.studio, "narrow")
    assert walk.studio.page.evaluate(TOO_WIDE) == []
