"""Browser tests: one server for all of them, a fresh page for each, and a console that must stay clean."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright
from skimage import data

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server_process import ServerProcess
from tests.browser.studio import Studio


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], playwright: Playwright
) -> dict[str, Any]:
    """Which browser pytest-playwright starts, and how."""
    chromium = find_chromium(playwright)
    own = {"executable_path": chromium.path} if chromium.path else {}
    return browser_type_launch_args | own | {"args": list(ARGUMENTS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A window of a common size."""
    return browser_context_args | {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server that all pages share, as visitors would."""
    running = ServerProcess(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def studio(page: Page, server: ServerProcess) -> Iterator[Studio]:
    """An open page with its first face; at the end its console must have said nothing unexpected."""
    studio = Studio(page, server.url)
    studio.open()
    yield studio
    assert studio.unexpected_complaints() == []


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A photograph of Eileen Collins (NASA, public domain), as JPEG."""
    return jpeg(Image.fromarray(data.astronaut()))


@pytest.fixture(scope="session")
def two_people() -> bytes:
    """The astronaut, and a smaller mirror image of her, side by side."""
    photo = Image.fromarray(data.astronaut())
    picture = Image.new("RGB", (900, 512), "grey")
    picture.paste(photo, (0, 0))
    picture.paste(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((380, 380)), (520, 100))
    return jpeg(picture)


def jpeg(picture: Image.Image) -> bytes:
    """The bytes of a JPEG file of good quality."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()
