"""Rendering into a folder: the same files for any number of processes, resumable, whole or not at all."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.faces.catalogue import CATALOGUE, FactorDescription, factor_table
from models.faces.factors import COORDINATES, FaceFactors, face_factors
from models.faces.light import light_coefficients
from models.faces.render import render_with_truth
from models.faces.shards import Order, RenderedFolder, RenderingError, render_shards, shard_z
from models.faces.truth import truth_lines

REPOSITORY = Path(__file__).parents[2]
SIZE = 64
FACES = 20  # in a shard of these tests: one chunk and a part of another


def rendered(order: Order, processes: int = 1) -> RenderedFolder:
    return render_shards(order, processes, lambda _done, _of: None, lambda: False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards 3 and 4, rendered by one process."""
    out = tmp_path_factory.mktemp("faces")
    assert rendered(Order(out, range(3, 5), SIZE, FACES)) == RenderedFolder(2 * FACES, 0, stopped=False)
    return out


def test_the_files_do_not_depend_on_the_number_of_processes(one_process: Path, tmp_path: Path) -> None:
    rendered(Order(tmp_path, range(3, 5), SIZE, FACES), processes=2)
    assert contents(tmp_path) == contents(one_process)


def test_a_shard_holds_pictures_attributes_and_landmarks_of_its_z(one_process: Path) -> None:
    expected = render_with_truth(shard_z(3)[:2], SIZE)
    with np.load(one_process / "00003.npz") as shard:
        assert shard["x"].shape == (FACES, SIZE, SIZE, 3) and shard["x"].dtype == np.uint8
        np.testing.assert_array_equal(shard["x"][:2], expected.pictures)
        np.testing.assert_array_equal(shard["a"][:2], expected.attributes)
        np.testing.assert_array_equal(shard["lm"][:2], expected.landmarks)


def test_finished_shards_are_kept(one_process: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in one_process.iterdir()}
    again = rendered(Order(one_process, range(3, 5), SIZE, FACES))
    assert again == RenderedFolder(0, 2 * FACES, stopped=False)
    assert {path: path.stat().st_mtime_ns for path in one_process.iterdir()} == before


def test_a_folder_of_another_size_is_refused(one_process: Path) -> None:
    with pytest.raises(RenderingError, match="another size"):
        rendered(Order(one_process, range(3, 5), 96, FACES))


def test_shards_of_unknown_origin_are_refused(tmp_path: Path) -> None:
    (tmp_path / "00000.npz").touch()
    with pytest.raises(RenderingError, match=r"without faces\.json"):
        rendered(Order(tmp_path, range(1), SIZE, FACES))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RenderingError, match=r"Cannot write to .*file"):
        rendered(Order(tmp_path / "file" / "below", range(1), SIZE, FACES))


def test_who_stops_keeps_what_is_finished(tmp_path: Path) -> None:
    done: list[int] = []
    folder = render_shards(
        Order(tmp_path, range(2), SIZE, FACES), 1, lambda n, _of: done.append(n), lambda: done[-1] > FACES
    )
    assert folder.stopped and folder.rendered == FACES
    assert not list(tmp_path.glob(".*")) and (tmp_path / "00000.npz").exists()


def test_a_run_that_was_killed_goes_on_to_the_same_files(one_process: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from models.faces.shards import *\n"
        f"if __name__ == '__main__': render_shards(Order(Path(sys.argv[1]), range(3, 5), {SIZE}, {FACES}), 2,"
        " lambda n, of: None, lambda: False)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True) as process:
        while not list(tmp_path.glob("0*.npz")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    while processes_of(process.pid):  # the workers notice that their parent is gone
        time.sleep(0.02)
    rendered(Order(tmp_path, range(3, 5), SIZE, FACES))
    finished = {name: data for name, data in contents(tmp_path).items() if not name.startswith(".")}
    assert finished == contents(one_process)


def processes_of(session: int) -> list[int]:
    """Processes that are left of a session."""
    left = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            left.append(int(entry.parent.name))
    return left


def test_a_full_disk_is_said_in_one_sentence_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(RenderingError, match=r"Cannot write to .*the same command goes on"):
            rendered(Order(tmp_path, range(1), SIZE, FACES))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.glob("*.npz")) and not list(tmp_path.glob(".*"))


def test_the_ground_truth_names_every_factor() -> None:
    z = shard_z(7)[:3]
    factors = face_factors(z)
    landmarks = np.zeros((3, 4, 2), np.float32)
    records = [json.loads(line) for line in truth_lines(factors, landmarks)]
    assert [record["index"] for record in records] == [0, 1, 2]
    for i, record in enumerate(records):
        assert record["age_years"] == pytest.approx(factors.age[i], rel=1e-5)
        assert record["yaw_degrees"] == pytest.approx(factors.yaw[i], rel=1e-5)
        assert record["hair_colour_linear_rgb"] == pytest.approx(list(factors.hair_colour[i]), rel=1e-5)
        assert record["light"] == pytest.approx(list(light_coefficients(factors)[i]), rel=1e-5)
        assert isinstance(record["hair_style"], str) and isinstance(record["glasses"], bool)
        assert (record["glasses_style"] is None) == (not record["glasses"])


def test_the_catalogue_describes_exactly_the_factors_there_are() -> None:
    assert [d.field for d in CATALOGUE] == list(FaceFactors.__dataclass_fields__)
    used = {name for d in CATALOGUE for name in d.coordinates}
    assert used == set(COORDINATES)


@pytest.mark.parametrize("description", CATALOGUE, ids=lambda d: d.field)
def test_factors_stay_in_the_ranges_that_the_catalogue_gives(description: FactorDescription) -> None:
    values = np.asarray(getattr(face_factors(np.random.RandomState(0).randn(3000, 512)), description.field))
    if description.low is not None:
        assert values.min() >= description.low - 1e-9
    if description.high is not None:
        assert values.max() <= description.high + 1e-9


@pytest.mark.parametrize("description", CATALOGUE, ids=lambda d: d.field)
def test_the_coordinates_that_the_catalogue_names_are_the_ones_that_decide(
    description: FactorDescription,
) -> None:
    z = np.random.RandomState(1).randn(300, 512)
    numbers = np.arange(512)
    named = np.concatenate([numbers[COORDINATES[name]] for name in description.coordinates])
    others = np.setdiff1d(numbers, named)
    # Exchanges and changes of sign leave the length of z alone, by which it is divided.
    moved, kept = z.copy(), z.copy()
    moved[:, named], moved[:, others[-len(named) :]] = z[:, others[-len(named) :]], z[:, named]
    kept[:, others] = -z[:, others]
    value, other, same = (np.asarray(getattr(face_factors(x), description.field)) for x in (z, moved, kept))
    np.testing.assert_allclose(value.astype(np.float64), same.astype(np.float64), atol=1e-9)
    assert not np.allclose(value.astype(np.float64), other.astype(np.float64))


def test_the_documentation_has_the_table_of_the_code() -> None:
    page = (REPOSITORY / "docs" / "faces.md").read_text(encoding="utf-8")
    assert factor_table() in page, "put the output of `latentloom render-faces factors` there"
