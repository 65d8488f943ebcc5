"""The doctor finds what is wrong on a machine and says what to do."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli import cli


def findings(*arguments: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = CliRunner(env=environment).invoke(cli, ["doctor", "--json", *arguments])
    return result.exit_code, {finding["check"]: finding for finding in json.loads(result.stdout)}


@pytest.fixture
def machine(tmp_path: Path, checkpoints: Path) -> dict[str, str]:
    """Settings with which a server would start."""
    return {
        "LATENTLOOM_DATA_DIR": str(tmp_path / "data"),
        "LATENTLOOM_CHECKPOINTS_DIR": str(checkpoints),
        "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0",
        "LATENTLOOM_PORT": "0",
    }


def test_a_machine_that_works_is_told_so_and_left_as_it_is(machine: dict[str, str], tmp_path: Path) -> None:
    code, found = findings(**machine)
    assert code == 0
    for check in ("Python", "PyTorch", "device", "model tiny", "face detector", "database", "access", "port"):
        assert (found[check]["level"], found[check]["advice"]) == ("ok", ""), found[check]
    assert not (tmp_path / "data").exists()


def test_every_fault_is_named_with_its_remedy(
    machine: dict[str, str], tmp_path: Path, checkpoints: Path
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(checkpoints / "tiny", folder / "tiny")
    generator = next((folder / "tiny").glob("generator*"))
    generator.write_bytes(generator.read_bytes()[:-1] + b"!")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "loom.sqlite").write_bytes(b"no database" * 500)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wrong = machine | {
            "LATENTLOOM_CHECKPOINTS_DIR": str(folder),
            "LATENTLOOM_DEVICE": "cuda:7",
            "LATENTLOOM_PORT": str(taken.getsockname()[1]),
        }
        code, found = findings(**wrong)
    assert code == 1
    levels = {check: finding["level"] for check, finding in found.items()}
    assert {check for check, level in levels.items() if level == "fail"} == {
        "device",
        "model tiny",
        "database",
    }
    assert (levels["port"], levels["face detector"]) == ("warn", "warn")
    assert all(finding["advice"] for finding in found.values() if finding["level"] != "ok")


def test_an_open_door_without_a_token_fails(machine: dict[str, str]) -> None:
    code, found = findings("--host", "0.0.0.0", **machine)  # noqa: S104
    assert (code, found["access"]["level"]) == (1, "fail")
    assert "latentloom token" in found["access"]["advice"]


def test_people_get_lines(machine: dict[str, str]) -> None:
    result = CliRunner(env=machine).invoke(cli, ["doctor"])
    assert "ok   model tiny: all hashes are right" in result.stdout
