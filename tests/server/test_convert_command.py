"""`latentloom convert`: another program's checkpoint becomes our file, or nothing is written at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from models import load_discriminator, load_generator
from models.weights import read_header
from server.cli import cli

# The command, in a system that lets no file grow beyond 100,000 bytes.
ON_A_FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from server.cli import main
main()
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["convert", *map(str, arguments)])
    return result.exit_code, result.output


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def network(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's pickle of a small network."""
    source = fixtures / "nvidia" / "ada_uncond_r32_map8.pkl"
    return Path(shutil.copy(source, tmp_path_factory.mktemp("network") / "network.pkl"))


def test_a_pickle_becomes_a_file_with_the_same_network(network: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces.safetensors"
    code, output = run(network, out)
    assert code == 0, output
    assert output == (
        f"network.pkl, a file of NVIDIA's PyTorch code (sha256 {sha256(network)[:12]}...), is now {out}:"
        f" a generator of 32x32 RGB, 0.4 MB, sha256 {sha256(out)}\n"
    )
    expected, converted = load_generator(network).state_dict(), load_generator(out).state_dict()
    assert converted.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in converted.items())


def test_its_discriminator_on_request_in_place_of_an_older_file_and_as_json(
    network: Path, tmp_path: Path
) -> None:
    out = tmp_path / "network.safetensors"
    out.write_text("mine")
    words: list[str | Path] = [network, tmp_path, "--part", "discriminator", "--json"]
    assert run(*words) == (2, f"{out} is there already; replace it with --force.\n")
    assert out.read_text() == "mine"
    code, output = run(*words, "--force")
    report = json.loads(output)
    assert code == 0
    assert report["source_sha256"] == sha256(network)
    assert (report["kind"], report["out"]) == ("discriminator", str(out))
    assert (report["out_bytes"], report["out_sha256"]) == (out.stat().st_size, sha256(out))
    assert read_header(out) == ("latentloom-discriminator", report["config"])
    logits = load_discriminator(out)(torch.zeros(1, 3, 32, 32))
    assert torch.equal(logits, load_discriminator(network)(torch.zeros(1, 3, 32, 32)))


def test_a_file_that_cannot_be_used_is_refused_in_one_sentence_and_the_old_result_stays(
    tmp_path: Path,
) -> None:
    source, out = tmp_path / "notes.pkl", tmp_path / "notes.safetensors"
    source.write_text("These are notes.")
    out.write_text("mine")
    code, output = run(source, out, "--force")
    assert code == 3
    assert output.startswith("notes.pkl: ")
    assert len(output.splitlines()) == 1
    assert out.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"notes.pkl", "notes.safetensors"}


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("out.pkl", "does not end in .safetensors, and is not a folder that is there."),
        ("missing/out.safetensors", "There is no folder "),
        ("folder.safetensors/inner.safetensors", " is a folder."),
    ],
)
def test_an_out_that_is_no_place_for_it_is_wrong_usage(
    network: Path, tmp_path: Path, out: str, reason: str
) -> None:
    (tmp_path / "folder.safetensors" / "inner.safetensors" / "network.safetensors").mkdir(parents=True)
    code, output = run(network, tmp_path / out)
    assert code == 2
    assert reason in output


def test_an_in_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    code, output = run(tmp_path / "none.pkl", tmp_path)
    assert (code, output) == (2, f"There is no file {tmp_path / 'none.pkl'}.\n")


def test_a_file_is_not_converted_onto_itself(network: Path, tmp_path: Path) -> None:
    out = tmp_path / "network.safetensors"
    shutil.copy(network, out)
    code, output = run(out, tmp_path, "--force")
    assert (code, output) == (2, f"{out} would be converted onto itself.\n")
    assert sha256(out) == sha256(network)


def test_a_full_disk_leaves_nothing_behind(network: Path, tmp_path: Path, repository: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, "convert", network, tmp_path],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "cannot be written: " in result.stderr
    assert list(tmp_path.iterdir()) == []
