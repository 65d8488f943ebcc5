"""A folder of photographs as training pictures: cut, cached, and refused where it cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training.photographs import load_photographs, read_photograph


def save(
    path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (40, 20), **options: object
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)  # type: ignore[arg-type]


def test_the_largest_centred_square_is_taken(tmp_path: Path) -> None:
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, 10:30] = 255
    Image.fromarray(wide).save(tmp_path / "a.png")
    picture = read_photograph(tmp_path / "a.png", 20)
    assert picture.shape == (20, 20, 3) and picture.min() == 255


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    halves = np.zeros((16, 16, 3), np.uint8)
    halves[:8] = 255
    exif = Image.Exif()
    exif[274] = 3  # upside down
    Image.fromarray(halves).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert read_photograph(tmp_path / "a.jpg", 16)[15].mean() > 240


def test_all_folders_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    save(tmp_path / "in" / "b.png", (0, 255, 0))
    save(tmp_path / "in" / "a" / "z.jpg", (255, 0, 0), quality=95)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    seen: list[tuple[int, int]] = []
    pictures = load_photographs(
        tmp_path / "in", 8, tmp_path / "cache", lambda done, of: seen.append((done, of))
    )
    assert pictures.shape == (2, 8, 8, 3)
    assert pictures[0, 4, 4, 0] > 200 and tuple(pictures[1, 4, 4]) == (0, 255, 0)
    assert seen == [(1, 2), (2, 2)]


def test_the_cache_is_used_until_the_folder_changes(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", (10, 10, 10))
    load_photographs(tmp_path / "in", 8, tmp_path / "cache")
    reads: list[int] = []

    def again() -> int:
        return int(
            load_photographs(tmp_path / "in", 8, tmp_path / "cache", lambda *_: reads.append(1))[0, 0, 0, 0]
        )

    assert again() == 10 and not reads
    save(tmp_path / "in" / "a.png", (99, 99, 99))
    os.utime(tmp_path / "in" / "a.png", ns=(1, 1))
    assert again() == 99 and reads


@pytest.mark.parametrize("name", ["text.jpg", "animated.gif.png"])
def test_what_is_no_photograph_is_named(tmp_path: Path, name: str) -> None:
    if "gif" in name:
        Image.new("RGB", (40, 40)).save(tmp_path / name, format="GIF")
    else:
        (tmp_path / name).write_text("not a picture")
    with pytest.raises(ValueError, match=f"{name} cannot be read as a picture"):
        load_photographs(tmp_path, 8, tmp_path / "cache")


def test_pictures_too_small_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no pictures"):
        load_photographs(tmp_path, 8, tmp_path / "cache")
    save(tmp_path / "a.png", (0, 0, 0), (40, 20))
    with pytest.raises(ValueError, match="only 20 pixels"):
        load_photographs(tmp_path, 32, tmp_path / "cache")
