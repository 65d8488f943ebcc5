"""What all tests share: where the golden files and the demo model lie, and the order of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the clone."""
    return REPOSITORY


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Golden files; tests/fixtures/<folder>/ belongs to the tests that name it."""
    return REPOSITORY / "tests" / "fixtures"


@pytest.fixture(scope="session")
def demo_bundle() -> Path:
    """The demo model that the repository carries."""
    return REPOSITORY / "checkpoints" / "demo"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests are marked and come last: Playwright leaves an event loop running in this thread, which
    asyncio.run would refuse to run beside.
    """
    browser = REPOSITORY / "tests" / "browser"
    for item in items:
        if browser in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
