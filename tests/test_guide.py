"""The user guide: its pictures are there, small, and taken by its program."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from docs import guide_pictures

MOST_BYTES = 1_500_000  # of all pictures together


def test_the_guide_shows_the_pictures_that_its_program_takes() -> None:
    assert guide_pictures.named_in_guide() == guide_pictures.PICTURES.keys()


def test_every_picture_is_there_and_all_are_small() -> None:
    files = sorted(guide_pictures.FOLDER.iterdir())
    assert [file.stem for file in files] == sorted(guide_pictures.PICTURES)
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 100
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


def test_every_page_that_the_guide_points_to_is_there(repository: Path) -> None:
    text = (repository / "docs" / "guide.md").read_text("utf-8")
    for target in re.findall(r"\]\(([\w/.-]+\.md)", text):
        assert (repository / "docs" / target).is_file(), target
