"""`latentloom checkpoints`: what lies in the folder is listed, checked and taken away; nothing else is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli import cli
from tests.server.harness import write_generator, write_tiny_bundle


def run(folder: Path, *arguments: str, answer: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli, ["checkpoints", *arguments, "--checkpoints-dir", str(folder)], input=answer
    )
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    write_tiny_bundle(folder, tmp_path_factory.mktemp("parts"))
    return folder


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A checkpoints folder with one bundle in it."""
    shutil.copytree(tiny, tmp_path / "checkpoints" / "tiny")
    return tmp_path / "checkpoints"


def listed(folder: Path, *options: str) -> dict[str, Any]:
    code, output = run(folder, "list", "--json", *options)
    assert code == 0, output
    values: dict[str, Any] = json.loads(output)
    return values


def change_manifest(bundle: Path, **changes: Any) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_usable_model_is_listed_with_what_it_is(folder: Path) -> None:
    (model,) = listed(folder)["checkpoints"]
    size = sum(path.stat().st_size for path in (folder / "tiny").iterdir())
    assert model == {
        "name": "tiny",
        "source": "tiny",
        "state": "usable",
        "reason": "",
        "title": "Tiny",
        "licence": "Apache-2.0",
        "resolution": 32,
        "img_channels": 3,
        "editable": True,
        "bytes": size,
    }


def test_one_that_is_refused_is_listed_with_the_reason(folder: Path) -> None:
    shutil.copytree(folder / "tiny", folder / "wrong")
    change_manifest(folder / "wrong", name="wrong", default_psi="much")
    models = {model["name"]: model for model in listed(folder)["checkpoints"]}
    assert (models["tiny"]["state"], models["wrong"]["state"]) == ("usable", "refused")
    assert models["wrong"]["reason"].startswith("The entry 'default_psi' of this bundle's manifest")


def test_files_outside_of_bundles_are_listed_too(folder: Path) -> None:
    write_generator(folder / "alone.safetensors")
    (folder / "foreign.pkl").write_bytes(b"\x80\x02.")
    states = {model["source"]: model["state"] for model in listed(folder)["checkpoints"]}
    assert states == {"tiny": "usable", "alone.safetensors": "usable", "foreign.pkl": "waiting"}


def test_the_table_says_the_same_in_lines_that_grep_can_use(folder: Path) -> None:
    code, output = run(folder, "list")
    assert code == 0
    (line,) = [line for line in output.splitlines() if "tiny" in line]
    assert all(word in line for word in ("usable", "32", "Tiny", "Apache-2.0"))


def test_text_of_a_manifest_cannot_steer_the_terminal(folder: Path) -> None:
    change_manifest(folder / "tiny", title="\x1b]0;owned\x07\x1b[2J[red]Tiny[/red]")
    output = run(folder, "list")[1]
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "[red]Tiny[/red]" in output


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    assert run(tmp_path / "none", "list") == (0, f"There are no models in {tmp_path / 'none'}.\n")


def test_available_shows_what_the_registry_has_and_the_folder_has_not(folder: Path) -> None:
    before = listed(folder, "--available")["available"]
    names = [entry["name"] for entry in before]
    assert {"ffhq-1024", "tf-car-512", "rosinality-ffhq-256", "styleflow-ffhq"} <= set(names)
    (ffhq,) = [entry for entry in before if entry["name"] == "ffhq-1024"]
    assert (ffhq["resolution"], ffhq["bytes"], ffhq["non_commercial"]) == (1024, 381624121, True)
    (folder / "tiny").rename(folder / "ffhq-1024")
    change_manifest(folder / "ffhq-1024", name="ffhq-1024")
    after = [entry["name"] for entry in listed(folder, "--available")["available"]]
    assert after == [name for name in names if name != "ffhq-1024"]
    assert "ffhq-512" in run(folder, "list", "--available")[1]


def test_a_registry_that_is_wrong_is_said_plainly(folder: Path) -> None:
    (folder / "registry.toml").write_text("version = 1\ncolour = 'red'")
    code, output = run(folder, "list", "--available")
    assert code == 1
    assert output.startswith(f"The registry {folder / 'registry.toml'} is wrong: colour: ")


def test_files_that_are_as_they_were_pass(folder: Path) -> None:
    code, output = run(folder, "verify")
    assert code == 0
    assert output == "".join(
        f"tiny: {part}.safetensors is as it should be.\n" for part in ("generator", "flow", "attributes")
    )


@pytest.mark.parametrize("part", ["generator", "flow", "attributes"])
def test_one_changed_bit_is_found_and_its_file_named(folder: Path, part: str) -> None:
    shutil.copytree(folder / "tiny", folder / "whole")
    change_manifest(folder / "whole", name="whole")
    damage(folder / "tiny" / f"{part}.safetensors")
    code, output = run(folder, "verify")
    assert code == 3
    assert f"tiny: {part}.safetensors of the bundle tiny is not the file its manifest names" in output
    assert output.count("is as it should be") == 5
    assert run(folder, "verify", "whole")[0] == 0
    files = json.loads(run(folder, "verify", "tiny", "--json")[1])["checkpoints"]["tiny"]
    assert [one["file"] for one in files if one["problem"]] == [f"{part}.safetensors"]


def test_the_pictures_of_the_gallery_are_checked_too(folder: Path) -> None:
    picture = folder / "tiny" / "seed-7.jpg"
    picture.write_bytes(b"a picture")
    sha256 = hashlib.sha256(b"a picture").hexdigest()
    change_manifest(folder / "tiny", gallery=[{"seed": 7, "file": "seed-7.jpg", "sha256": sha256}])
    assert run(folder, "verify")[0] == 0
    damage(picture)
    code, output = run(folder, "verify")
    assert code == 3
    assert "seed-7.jpg of the bundle tiny is not the file" in output


def test_a_missing_file_and_a_damaged_manifest_are_found(folder: Path) -> None:
    (folder / "tiny" / "flow.safetensors").unlink()
    assert run(folder, "verify", "tiny")[0] == 3
    (folder / "tiny" / "manifest.json").write_text("{")
    code, output = run(folder, "verify", "tiny")
    assert (code, output) == (3, "tiny: manifest.json in tiny is not the manifest of a bundle.\n")


@pytest.mark.parametrize("command", ["verify", "remove"])
@pytest.mark.parametrize("name", ["other", "../checkpoints/tiny", "", ".", "..", "tiny/", "/etc"])
def test_only_a_listed_name_means_anything(folder: Path, command: str, name: str) -> None:
    code, output = run(folder, command, name, *(["--yes"] if command == "remove" else []))
    assert (code, output) == (2, f"There is no model {name} in {folder}.\n")
    assert (folder / "tiny" / "manifest.json").is_file()


def test_a_bundle_is_removed_when_told_twice(folder: Path) -> None:
    code, output = run(folder, "remove", "tiny", answer="y\n")
    assert code == 0
    assert f"Delete {folder / 'tiny'} (" in output
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_removed(folder: Path, answer: str) -> None:
    assert run(folder, "remove", "tiny", answer=answer)[0] == 1
    assert (folder / "tiny" / "generator.safetensors").is_file()


def test_a_script_can_say_yes_beforehand(folder: Path) -> None:
    assert run(folder, "remove", "tiny", "--yes")[0] == 0
    assert not (folder / "tiny").exists()


def test_a_linked_bundle_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "tiny").rename(tmp_path / "elsewhere")
    (folder / "tiny").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    code, output = run(folder, "remove", "tiny", "--yes")
    assert (code, output) == (
        2,
        f"{folder / 'tiny'} is a link to something elsewhere; remove the link yourself.\n",
    )
    assert (tmp_path / "elsewhere" / "generator.safetensors").is_file()


def test_what_links_in_a_bundle_point_to_stays(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo").write_text("dear")
    os.symlink(tmp_path / "precious", folder / "tiny" / "more")
    assert run(folder, "remove", "tiny", "--yes")[0] == 0
    assert (tmp_path / "precious" / "photo").read_text() == "dear"


def test_a_hidden_folder_that_is_a_link_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / ".incoming").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    code, output = run(folder, "remove", "tiny", "--yes")
    assert (code, output) == (2, f"{folder / '.incoming'} is a link; it has to be a folder of its own.\n")
    assert (folder / "tiny" / "manifest.json").is_file()


def test_a_single_file_is_not_a_bundle(folder: Path) -> None:
    write_generator(folder / "alone.safetensors")
    code, output = run(folder, "remove", "alone", "--yes")
    assert (code, output) == (2, f"{folder / 'alone.safetensors'} is a single file, not a bundle.\n")


def test_help_names_the_four_commands() -> None:
    result = CliRunner().invoke(cli, ["checkpoints", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert all(command in result.output for command in ("list", "add", "verify", "remove"))
