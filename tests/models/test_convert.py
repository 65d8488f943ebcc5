"""Converting checkpoints: what comes out, and that nothing half-written is left whatever goes wrong."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from models.convert import convert_checkpoint
from models.foreign.reading import read_network
from models.stylegan2.checkpoint import load_generator, save_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError, read_file, read_header, write_weights

FIXTURES = Path(__file__).parents[1] / "fixtures"
SMALL_PKL = FIXTURES / "nvidia" / "optional_ada_Gorig_Dskip_gray_r16.pkl"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits of file size are Linux's")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_with_both_networks_gives_its_generator(tmp_path: Path) -> None:
    out = tmp_path / "folder" / "out.safetensors"
    converted = convert_checkpoint(SMALL_PKL, out)
    assert (converted.kind, converted.sha256) == ("generator", sha256(SMALL_PKL))
    assert read_header(out) == ("latentloom-generator", converted.config)
    assert list(out.parent.iterdir()) == [out]
    loaded, direct = load_generator(out), load_generator(SMALL_PKL)
    assert loaded.config == direct.config
    assert loaded.img_channels == 1
    for name, value in direct.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_a_network_that_is_not_there_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"^It holds no flow, but a generator and a discriminator\.$"):
        read_network(SMALL_PKL.read_bytes(), "flow")


def tiny_generator() -> Generator:
    return Generator(GeneratorConfig(4, 4, 8, channel_base=32, channel_max=4))


def test_a_file_of_ours_is_checked_and_copied(tmp_path: Path) -> None:
    source, out = tmp_path / "g.safetensors", tmp_path / "out.safetensors"
    save_generator(tiny_generator(), source, torch.float16)
    converted = convert_checkpoint(source, out)
    assert (converted.kind, converted.sha256) == ("generator", sha256(out))
    assert out.read_bytes() == source.read_bytes()
    state = tiny_generator().state_dict() | {"mapping.w_avg": torch.zeros(5)}
    write_weights(source, "latentloom-generator", read_header(out)[1], state)
    with pytest.raises(CheckpointError, match=r"^g\.safetensors: mapping\.w_avg has the shape"):
        convert_checkpoint(source, tmp_path / "other.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.safetensors", "out.safetensors"]


def test_what_is_there_stays_where_the_new_file_cannot_be_used(tmp_path: Path) -> None:
    source, out = tmp_path / "network.pkl", tmp_path / "out.safetensors"
    out.write_bytes(b"what was there")
    source.write_bytes(SMALL_PKL.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match=r"^network\.pkl: .*damaged\.$"):
        convert_checkpoint(source, out)
    assert out.read_bytes() == b"what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.pkl", "out.safetensors"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"out\.safetensors cannot be written: "):
        convert_checkpoint(SMALL_PKL, tmp_path / "file" / "out.safetensors")


@linux_only
def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The limit of file size stands for the disk: the child inherits it, and writing fails half-way."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from models.convert import convert_checkpoint\n"
        "from models.weights import CheckpointError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try:\n"
        "    convert_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except CheckpointError as error:\n"
        "    print(error)\n"
    )
    out = tmp_path / "folder" / "out.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", code, str(SMALL_PKL), str(out)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert done.stdout.startswith(f"{SMALL_PKL.name}: What is read from it cannot be written: ")
    assert done.stdout.count("\n") == 1
    assert list(out.parent.iterdir()) == []


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for file in files:
        convert_checkpoint(SMALL_PKL, file)
    assert files[0].read_bytes() == files[1].read_bytes()


@linux_only
def test_tensors_that_take_far_more_memory_than_their_file_are_refused(tmp_path: Path) -> None:
    """A hundred tensors of one storage of 16 MiB: 1.6 GiB from a file of 16 MiB."""
    values, source = torch.zeros(1, 1, 2048, 2048), tmp_path / "network.pt"
    state = {f"noises.noise_{i}": values for i in range(100)} | {"conv1.conv.modulation.weight": values}
    torch.save({"g_ema": state}, source)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(CheckpointError, match=r"^network\.pt: Reading it takes more memory"):
        convert_checkpoint(source, tmp_path / "out" / "out.safetensors")
    # The greatest of all children so far: another test in this process may have had a larger one.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 2 * 2**20)


Change = Callable[[Path], object]


@pytest.fixture
def change_while_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Lets somebody change a file when half of it has been read."""

    def arrange(change: Change) -> None:
        opened = Path.open

        def opens(path: Path, mode: str = "r") -> object:
            file = opened(path, mode)
            return ChangedWhileRead(file, lambda: change(path)) if mode == "rb" else file  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "open", opens)

    return arrange


class ChangedWhileRead:
    """A file that somebody changes after its first half is read."""

    def __init__(self, file: BinaryIO, change: Callable[[], object]) -> None:
        self.file, self.change = file, change

    def __enter__(self) -> ChangedWhileRead:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def fileno(self) -> int:
        return self.file.fileno()

    def read(self, count: int) -> bytes:
        first = self.file.read(count // 2)
        self.change()
        return first + self.file.read(count - count // 2)


def append(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(b"more")


def overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, b"other")
    os.utime(descriptor, ns=(1, 1))  # a later time of change, whatever the clock's steps
    os.close(descriptor)


@pytest.mark.parametrize("change", [append, overwrite, lambda path: os.truncate(path, 10)])
def test_a_file_written_to_while_it_is_read_is_refused(
    change: Change, change_while_reading: Callable[[Change], None], tmp_path: Path
) -> None:
    path = tmp_path / "network.pkl"
    path.write_bytes(bytes(1000))
    change_while_reading(change)
    with pytest.raises(CheckpointError, match="written to while it was being read; try again"):
        read_file(path)


def test_a_file_replaced_while_it_is_read_is_read_as_it_was(
    change_while_reading: Callable[[Change], None], tmp_path: Path
) -> None:
    path, other = tmp_path / "network.pkl", tmp_path / "other.pkl"
    path.write_bytes(b"before" * 100)
    other.write_bytes(b"after" * 100)
    change_while_reading(lambda path: os.replace(other, path))
    assert read_file(path) == b"before" * 100


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "network.pkl")
    with pytest.raises(CheckpointError, match="it is not a file"):
        convert_checkpoint(tmp_path / "network.pkl", tmp_path / "out.safetensors")


@linux_only
def test_a_file_larger_than_any_checkpoint_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "network.pkl"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)  # takes no room: it has no contents
    with pytest.raises(CheckpointError, match="larger than 2 GiB"):
        read_file(path)
