"""`latentloom checkpoints add`: a name or a file ends as a bundle that can be used, or in one sentence."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from models import load_bundle
from models.bundle import write_bundle
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from server.checkpoints.lock import LOCK_FILE, Recorded, read_lock, record
from server.cli import cli
from tests.server.file_server import FileServer, ServedFile, file_server
from tests.server.harness import WIDTH, write_generator, write_tiny_bundle

FLOW = 'kind = "styleflow-pt"\nw_dim = 32'
GENERATOR = 'kind = "nvidia-pickle"\nresolution = 32\nimg_channels = 3'
PLACE = "/files/network.pkl"
# The command, which hears Ctrl-C even where the tests run in the background of a shell.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from server.cli import main
main()
"""


@pytest.fixture(scope="module")
def network(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's pickle of a small network."""
    source = fixtures / "nvidia" / "ada_uncond_r32_map8.pkl"
    return Path(shutil.copy(source, tmp_path_factory.mktemp("network") / "My Network.pkl"))


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as StyleFlow's training writes it."""
    path = tmp_path_factory.mktemp("flow") / "modellarge10k.pt"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(ConditionalFlow(FlowConfig(WIDTH, (24,))).state_dict(), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty checkpoints folder."""
    place = tmp_path / "checkpoints"
    place.mkdir()
    return place


@pytest.fixture
def server(network: Path) -> Iterator[FileServer]:
    with file_server() as running:
        running.files[PLACE] = ServedFile(network.read_bytes())
        yield running


def run(folder: Path, *arguments: str | Path) -> tuple[int, str]:
    words = ["checkpoints", "add", *map(str, arguments), "--checkpoints-dir", str(folder)]
    result = CliRunner().invoke(cli, words)
    return result.exit_code, result.output


def added(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    words = ["checkpoints", "add", *map(str, arguments), "--json", "--checkpoints-dir", str(folder)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    values: dict[str, Any] = json.loads(result.stdout)
    return values


def write_registry(folder: Path, url: str, what: str = GENERATOR, **more: str) -> None:
    """A registry of the folder's own, with the one entry `net`."""
    lines = "".join(f"{key} = {value}\n" for key, value in more.items())
    place = "" if "by_hand" in more else f'url = "{url}"\n'
    (folder / "registry.toml").write_text(
        f"""version = 1
[licences.nc]
name = "Strict"
url = "https://example.com/strict"
non_commercial = true
[[checkpoints]]
name = "net"
title = "Net 32"
homepage = "https://example.com/"
licence = "nc"
{what}
{place}{lines}"""
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_plain_bundle(place: Path, parts: Path) -> None:
    """An untrained generator for w of 32 numbers, and no flow."""
    parts.mkdir()
    write_generator(parts / "generator")
    write_bundle(
        place,
        name=place.name,
        title="Plain",
        description="",
        licence="Apache-2.0",
        generator=parts / "generator",
    )


def test_a_file_becomes_a_bundle_that_can_be_used(folder: Path, network: Path) -> None:
    report = added(folder, network)
    place = folder / "my-network"
    assert (report["name"], report["bundle"], report["problem"]) == ("my-network", str(place), "")
    assert report["source"] == {"file": "My Network.pkl", "sha256": sha256(network), "url": None}
    bundle = load_bundle(place)
    manifest = bundle.manifest
    assert bundle.generator.img_resolution == 32
    assert (manifest.title, manifest.default_psi, manifest.seeds[:2]) == ("My Network", 0.7, (0, 1))
    assert manifest.licence == "Not stated: ask those who made the file."
    assert (manifest.flow, manifest.attributes) == (None, None)
    source = manifest.generator.source
    assert source is not None
    assert (source.file, source.sha256, source.url) == ("My Network.pkl", sha256(network), None)
    assert source.converter.startswith("latentloom ")
    assert names(folder) == {"my-network"}
    assert names(place) == {"manifest.json", "generator.safetensors"}


@pytest.mark.parametrize("name", ["../mine", "Mine", ".mine", "", "a b", "x" * 65])
def test_a_name_that_is_none_is_wrong_usage(folder: Path, network: Path, name: str) -> None:
    code, output = run(folder, network, "--name", name)
    assert code == 2, output
    assert names(folder.parent) == {"checkpoints"}
    assert names(folder) == set()


def test_the_command_line_names_it_and_replaces_one_of_that_name_on_request(
    folder: Path, network: Path, tmp_path: Path
) -> None:
    write_plain_bundle(folder / "mine", tmp_path / "parts")
    words: list[str | Path] = [network, "--name", "mine", "--title", "My faces", "--licence", "CC0"]
    code, output = run(folder, *words)
    assert code == 2
    assert f"{folder / 'mine'} is there already" in output
    assert load_bundle(folder / "mine").manifest.title == "Plain"
    code, output = run(folder, *words, "--force")
    assert code == 0
    assert output == f"My Network.pkl is now {folder / 'mine'} (sha256 of the source: {sha256(network)}).\n"
    manifest = load_bundle(folder / "mine").manifest
    assert (manifest.name, manifest.title, manifest.licence) == ("mine", "My faces", "CC0")
    assert names(folder) == {"mine"}


def test_force_replaces_nothing_but_a_bundle(folder: Path, network: Path, tmp_path: Path) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "dear").write_text("dear")
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for name, reason in (("photos", "is not a bundle"), ("link", "is a link to something elsewhere")):
        code, output = run(folder, network, "--name", name, "--force")
        assert code == 2
        assert reason in output
    assert (folder / "photos" / "dear").read_text() == "dear"
    assert names(folder) == {"photos", "link"}


def test_a_file_that_cannot_be_used_changes_nothing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes.pkl"
    path.write_text("These are notes.")
    write_plain_bundle(folder / "notes", tmp_path / "parts")
    code, output = run(folder, path, "--force")
    assert code == 3
    assert output.startswith("notes.pkl: ")
    assert len(output.splitlines()) == 1
    assert load_bundle(folder / "notes").manifest.title == "Plain"
    assert names(folder) == {"notes"}


def test_neither_a_file_nor_a_name_is_wrong_usage(folder: Path) -> None:
    code, output = run(folder, "ffqh-1024")
    assert code == 2
    assert output.startswith("ffqh-1024 is neither a file nor a name of the registry")


def test_a_class_conditional_generator_is_added_and_the_page_cannot_show_it(
    folder: Path, fixtures: Path
) -> None:
    code, output = run(folder, fixtures / "nvidia" / "ada_cond3_r64_map2.pkl")
    assert code == 0
    assert "The page cannot show it: This generator needs one of 3 class labels" in output


def test_a_name_is_fetched_and_its_hash_recorded_at_first_use(
    folder: Path, server: FileServer, network: Path
) -> None:
    write_registry(folder, server.url(PLACE), default_psi="0.5", note='"Small."')
    code, output = run(folder, "net")
    assert code == 0
    assert "Licence: Strict, non-commercial: https://example.com/strict" in output
    assert "No sha256 of this file is known." in output
    manifest = load_bundle(folder / "net").manifest
    assert (manifest.title, manifest.description, manifest.default_psi) == ("Net 32", "Small.", 0.5)
    assert manifest.licence == "Strict, non-commercial: https://example.com/strict"
    source = manifest.generator.source
    assert source is not None
    assert (source.file, source.sha256, source.url) == ("network.pkl", sha256(network), server.url(PLACE))
    recorded = read_lock(folder / LOCK_FILE)["net"]
    assert (recorded.sha256, recorded.bytes) == (sha256(network), network.stat().st_size)
    assert names(folder) == {"net", "registry.toml", LOCK_FILE}


def test_another_file_than_the_first_one_is_refused_until_it_is_trusted(
    folder: Path, server: FileServer, network: Path, tmp_path: Path
) -> None:
    write_registry(folder, server.url(PLACE))
    first = Recorded(url=server.url(PLACE), sha256="a" * 64, bytes=network.stat().st_size)
    record(folder / LOCK_FILE, "net", first)
    write_plain_bundle(folder / "net", tmp_path / "parts")
    code, output = run(folder, "net", "--force")
    assert code == 3
    assert "recorded when net was first fetched" in output
    assert "add --allow-unpinned" in output
    assert read_lock(folder / LOCK_FILE) == {"net": first}
    assert load_bundle(folder / "net").manifest.title == "Plain"
    assert names(folder) == {"net", "registry.toml", LOCK_FILE}
    report = added(folder, "net", "--force", "--allow-unpinned")
    assert report["source"]["sha256"] == sha256(network)
    assert read_lock(folder / LOCK_FILE)["net"].sha256 == sha256(network)
    assert load_bundle(folder / "net").manifest.title == "Net 32"


def test_a_published_hash_is_never_overruled(folder: Path, server: FileServer, network: Path) -> None:
    write_registry(folder, server.url(PLACE), sha256=f'"{"0" * 64}"')
    code, output = run(folder, "net", "--allow-unpinned")
    assert code == 3
    assert f"its sha256 is {sha256(network)}, not {'0' * 64}" in output
    assert not (folder / "net").exists()
    assert not (folder / LOCK_FILE).exists()


def test_a_page_in_place_of_the_file_is_refused_and_not_recorded(folder: Path, server: FileServer) -> None:
    write_registry(folder, server.url(PLACE))
    server.files[PLACE] = ServedFile(b"<!doctype html><title>Please log in</title>")
    assert run(folder, "net")[0] == 3
    assert names(folder) == {"registry.toml"}


def test_without_a_network_it_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    write_registry(folder, "http://127.0.0.1:9/network.pkl")
    code, output = run(folder, "net")
    assert code == 1
    assert "127.0.0.1 cannot be reached" in output
    assert names(folder) == {"registry.toml"}


def test_a_file_at_hand_that_the_registry_knows_gets_its_name_and_licence(
    folder: Path, network: Path
) -> None:
    write_registry(folder, "https://example.com/network.pkl", sha256=f'"{sha256(network)}"')
    assert added(folder, network)["name"] == "net"
    manifest = load_bundle(folder / "net").manifest
    assert manifest.licence == "Strict, non-commercial: https://example.com/strict"
    assert manifest.generator.source is not None
    assert manifest.generator.source.url == "https://example.com/network.pkl"


def test_what_only_people_can_fetch_is_explained(folder: Path, network: Path) -> None:
    write_registry(folder, "", by_hand='"https://example.com/drive"', file='"550000.pt"')
    code, output = run(folder, "net")
    assert code == 2
    assert (
        "Download 550000.pt from https://example.com/drive yourself, then: latentloom checkpoints add"
        in output
    )
    assert "550000.pt --name net" in output
    assert run(folder, network, "--name", "net")[0] == 0
    assert load_bundle(folder / "net").manifest.title == "Net 32"


def test_ctrl_c_keeps_what_arrived_for_the_same_command(
    folder: Path, server: FileServer, network: Path, repository: Path
) -> None:
    size = network.stat().st_size
    write_registry(folder, server.url(PLACE), sha256=f'"{sha256(network)}"', bytes=str(size))
    stalled = server.files[PLACE].stalled = threading.Event()
    half = size // 2
    words = ["checkpoints", "add", "net", "--checkpoints-dir", str(folder)]
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *words],
        cwd=repository,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = folder / ".incoming" / "net.network.pkl.part"
    while child.poll() is None and not (part.exists() and part.stat().st_size == half):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    message = child.communicate()[1]
    assert child.returncode == 1, message
    assert "Stopped. What has arrived is kept: the same command goes on from there." in message
    assert "Traceback" not in message
    assert part.stat().st_size == half
    stalled.set()
    assert run(folder, "net")[0] == 0
    assert server.seen[-1].range == f"bytes={half}-"
    assert names(folder) == {"net", "registry.toml"}  # nothing to record where a hash is published


def test_a_flow_is_put_into_the_bundle_that_is_named(folder: Path, flow: Path, tmp_path: Path) -> None:
    write_tiny_bundle(folder / "tiny", tmp_path)
    code, output = run(folder, flow, "--to", "tiny")
    assert (code, output) == (2, "tiny has a flow already; replace it with --force.\n")
    code, output = run(folder, flow, "--to", "tiny", "--force")
    assert code == 0, output
    manifest = load_bundle(folder / "tiny").manifest
    assert manifest.flow is not None
    assert manifest.flow.source is not None
    assert manifest.flow.source.sha256 == sha256(flow)
    assert manifest.title == "Tiny"
    files = {"manifest.json", "generator.safetensors", "attributes.safetensors", manifest.flow.file}
    assert names(folder / "tiny") == files


def test_a_flow_for_another_width_is_refused_and_the_bundle_stays(
    folder: Path, fixtures: Path, tmp_path: Path
) -> None:
    write_plain_bundle(folder / "plain", tmp_path / "parts")
    before = (folder / "plain" / "manifest.json").read_bytes()
    code, output = run(folder, fixtures / "styleflow" / "cnf_small_d64.pt", "--to", "plain")
    assert code == 3
    assert "is for w of 64 numbers; those of plain have 32" in output
    assert (folder / "plain" / "manifest.json").read_bytes() == before
    assert names(folder / "plain") == {"manifest.json", "generator.safetensors"}


def test_a_flow_without_a_bundle_and_a_generator_with_one_are_wrong_usage(
    folder: Path, network: Path, flow: Path, tmp_path: Path
) -> None:
    write_plain_bundle(folder / "plain", tmp_path / "parts")
    code, output = run(folder, flow)
    assert (code, output) == (
        2,
        "modellarge10k.pt is a flow: say with --to to which bundle it belongs.\n",
    )
    code, output = run(folder, network, "--to", "plain")
    assert (code, output) == (2, "My Network.pkl is a generator, not a flow: add it without --to.\n")
    assert names(folder) == {"plain"}


def test_what_cannot_end_well_is_not_fetched_at_all(folder: Path, server: FileServer, tmp_path: Path) -> None:
    write_registry(folder, server.url(PLACE), FLOW)
    assert run(folder, "net")[0] == 2
    assert run(folder, "net", "--to", "none")[0] == 2
    write_registry(folder, server.url(PLACE))
    write_plain_bundle(folder / "net", tmp_path / "parts")
    assert run(folder, "net")[0] == 2
    assert server.seen == []
