"""The command line, as far as it can be seen without a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import cli
from server.origins import is_loopback
from server.settings import Settings


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner(env=environment).invoke(cli, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "loom.lan"])  # noqa: S104
def test_an_address_that_others_can_reach_needs_a_token(host: str) -> None:
    code, output = run("serve", "--host", host)
    assert code == 2
    assert output.startswith(f"Refusing to listen on {host} without LATENTLOOM_TOKEN")
    assert "`latentloom token` makes one" in output


def test_a_token_that_can_be_guessed_is_refused() -> None:
    code, output = run("serve", LATENTLOOM_TOKEN="open-sesame")  # noqa: S106
    assert (code, "needs 24 characters" in output) == (2, True)


def test_a_token_is_made_and_users_come_and_go(tmp_path: Path) -> None:
    file = str(tmp_path / "tokens.toml")
    code, output = run("token")
    assert (code, len(output.splitlines()[0])) == (0, 43)
    assert run("token", "add", "Ana!", "--file", file)[0] == 2
    assert run("token", "add", "ana", "--file", file, "--max-photos", "9")[0] == 0
    assert run("token", "add", "ana", LATENTLOOM_TOKEN_FILE=file)[0] == 1
    assert run("token", "add", "ana", "--replace", "--max-photos", "9", "--file", file)[0] == 0
    assert run("token", "list", "--file", file) == (0, "ana\tmax_photos=9\n")
    assert run("token", "remove", "ana", "--file", file)[0] == 0
    assert run("token", "remove", "ana", "--file", file)[0] == 1
    assert run("token", "add", "ana")[0] == 2


@pytest.mark.parametrize(
    "content",
    ["[users", "[users.A]", "x = 1", '[users.a]\nsha256 = "0"', f'[users.a]\nsha256 = "{"0" * 64}"\nb = 1'],
)
def test_a_token_file_that_is_wrong_is_said_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(content, "utf-8")
    code, output = run("serve", LATENTLOOM_TOKEN_FILE=str(file), LATENTLOOM_DATA_DIR=str(tmp_path / "data"))
    assert code == 2
    assert f"The token file {file}" in output.replace("\n", " ").replace("  ", " ")
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.0.0.2", True),
        ("0.0.0.0", False),  # noqa: S104
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, inside: bool) -> None:
    assert is_loopback(host) is inside


def test_a_missing_page_is_said_plainly(tmp_path: Path) -> None:
    code, output = run("serve", LATENTLOOM_FRONTEND_DIR=str(tmp_path))
    assert code == 2
    assert "there is no page" in output


def test_help_lists_the_options() -> None:
    code, output = run("serve", "--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert code == 0
    assert all(
        option in output for option in ("--host", "--port", "--data-dir", "--checkpoints-dir", "--open")
    )


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTLOOM_PORT", "8123")
    monkeypatch.setenv("LATENTLOOM_ALLOWED_HOSTS", '["loom.lan"]')
    settings = Settings()
    assert (settings.port, settings.allowed_hosts, settings.host) == (8123, ("loom.lan",), "127.0.0.1")
    assert settings.database.startswith("sqlite:///")


def test_the_module_is_the_same_program(repository: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "server", "--help"],
        cwd=repository,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "serve" in shown.stdout


def test_importing_the_command_line_does_not_import_torch(repository: Path) -> None:
    code = "import sys, server.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repository, check=False).returncode == 0
