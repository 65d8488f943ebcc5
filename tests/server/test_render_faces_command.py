"""`latentloom render-faces` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from models.faces.render import RENDERER_VERSION
from server.cli import cli


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["render-faces", *(str(a) for a in arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_what_is_rendered_already_is_reported_as_json(tmp_path: Path) -> None:
    described = {"format": "latentloom-faces", "renderer": RENDERER_VERSION, "size": 64, "faces": 512}
    (tmp_path / "faces.json").write_text(json.dumps(described))
    for name in ("00005.npz", "00006.npz"):
        (tmp_path / name).touch()
    code, out, _ = run("--out", tmp_path, "--size", "64", "--count", "600", "--seed", "5", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["shards"] == [5, 6] and report["kept"] == 1024 and report["rendered"] == 0


def test_the_folder_must_be_named() -> None:
    code, _, error = run("--count", "10")
    assert code == 2 and "--out" in error


def test_sizes_out_of_range_are_refused(tmp_path: Path) -> None:
    code, _, error = run("--out", tmp_path / "new", "--size", "32")
    assert code == 2 and "64" in error
    assert not (tmp_path / "new").exists()


def test_seeds_beyond_the_last_are_refused(tmp_path: Path) -> None:
    code, _, error = run("--out", tmp_path, "--seed", "99999", "--count", "513")
    assert code == 2 and "99999" in error


def test_a_folder_of_another_size_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "faces.json").write_text(json.dumps({"format": "latentloom-faces", "size": 128}))
    code, _, error = run("--out", tmp_path, "--size", "64")
    assert code == 1 and "choose another folder" in error.replace("\n", " ")


def test_a_folder_below_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, error = run("--out", tmp_path / "file" / "faces", "--size", "64")
    assert code == 1 and "Cannot write to" in error and "Traceback" not in error


def test_a_contact_sheet_is_written(tmp_path: Path) -> None:
    code, _, _ = run(
        "sheet", "--out", tmp_path / "sheet.png", "--rows", "1", "--columns", "2", "--size", "64"
    )
    assert code == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (128, 64)


def test_a_sheet_of_attributes_has_a_row_for_each(tmp_path: Path) -> None:
    from models.faces.sheets import ATTRIBUTE_ROWS

    code, _, _ = run(
        "sheet", "--out", tmp_path / "sheet.jpg", "--attributes", "--columns", "2", "--size", "64"
    )
    assert code == 0
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (128, 64 * len(ATTRIBUTE_ROWS))


def test_a_sheet_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    code, _, error = run("sheet", "--out", tmp_path / "sheet.gif")
    assert code == 2 and ".png" in error


def test_the_table_of_factors_is_printed() -> None:
    code, out, _ = run("factors")
    assert code == 0 and "| `baldness` |" in out


def test_baking_without_the_package_says_what_to_install(tmp_path: Path) -> None:
    code, _, error = run("bake", "--out", tmp_path / "head.safetensors")
    assert code == 1 and "anny" in error and not (tmp_path / "head.safetensors").exists()
