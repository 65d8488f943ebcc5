"""The log of a run, its state file, and the memory of training."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from models.training.journal import Journal
from models.training.randomness import step_randomness, step_seed
from models.training.run_state import read_run_state, write_run_state


def test_every_line_is_json_and_tensorboard_gets_the_same_figures(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.write(5, {"loss": 0.123456789}, "joint")
        journal.write(10, {"loss": 0.1, "speed": 3})
    with Journal(tmp_path) as journal:  # a resumed run appends
        journal.write(15, {"loss": 0.05})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15]
    assert (lines[0]["phase"], lines[0]["loss"]) == ("joint", 0.123457)
    assert "phase" not in lines[1] and lines[1]["speed"] == 3
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, round(e.value, 4)) for e in events.Scalars("loss")] == [
        (5, 0.1235),
        (10, 0.1),
        (15, 0.05),
    ]


def test_without_tensorboard_the_log_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with Journal(tmp_path) as journal:
        journal.write(1, {"loss": 1.0})
    assert not (tmp_path / "tensorboard").exists()
    assert json.loads((tmp_path / "log.jsonl").read_text())["loss"] == 1.0


def test_a_state_comes_back_only_for_its_kind_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    write_run_state(path, "kind", "settings", {"step": 3, "weights": torch.arange(3)})
    assert read_run_state(path, "kind", "settings")["weights"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="other settings"):
        read_run_state(path, "kind", "others")
    with pytest.raises(ValueError, match="not the state of a run of this kind"):
        read_run_state(path, "another kind")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        read_run_state(path, "kind")


def test_a_state_file_runs_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "a.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(ValueError, match="damaged or not the state"):
        read_run_state(tmp_path / "a.pt", "kind")
    assert not (tmp_path / "sprung").exists()


def test_a_steps_random_numbers_depend_on_nothing_before_it() -> None:
    def draws(step: int) -> tuple[float, float]:
        with step_randomness(1, 2, step, torch.device("cpu")) as random:
            return float(torch.rand(1)), float(random.rand())

    first = draws(5)
    before = torch.random.get_rng_state()
    draws(6)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert draws(5) == first
    seeds = {step_seed(seed, phase, step) for seed in range(5) for phase in range(5) for step in range(40)}
    assert len(seeds) == 1000


@pytest.mark.skipif(sys.platform != "linux", reason="there is only something to do under Linux")
def test_freed_memory_is_kept_for_the_next_step(repository: Path) -> None:
    """Counted in page faults of a process of its own, since the setting holds for all of it."""
    program = """
import resource, torch
from models.training.allocator import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
given_back, accepted = faults(), keep_freed_memory()
for _ in range(4):  # until the heap has grown to what is needed
    faults()
print(given_back, accepted, faults())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    given_back, accepted, kept = run.stdout.split()
    if accepted == "False":
        pytest.skip("this C library is not glibc")
    assert int(kept) < int(given_back) / 10
