"""Rendering faces into a folder: shards of 512, each written whole or not at all, by several processes.

Shard number s holds the faces of RandomState(s).randn(512, 512): NNNNN.npz with x [512, S, S, 3] uint8
(pictures), a [512, 17] float32 (attributes in StyleFlow's order) and lm [512, 4, 2] float32 (landmarks);
NNNNN.jsonl with the ground truth (models.faces.truth). faces.json says for which size and by which version
of the renderer, so that a folder never mixes them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Z_DIM, face_factors
from models.faces.render import RENDERER_VERSION, SIZES, RenderedFaces, render_with_truth
from models.faces.truth import truth_lines

SHARD = 512
_CHUNK = 16  # faces rendered between two reports
_AHEAD = 2  # chunks waiting for each process
_DESCRIPTION = "faces.json"
_FORMAT = "latentloom-faces"
_ABANDONED = 3600.0  # seconds after which a half-written file belongs to a run that was killed

Report = Callable[[int, int], None]
"""Faces done and faces wanted."""
_Job = tuple[int, int]  # shard, and first face of a chunk


class RenderingError(Exception):
    """Nothing can be rendered into this folder; the message is one sentence for people."""


@dataclass(frozen=True)
class Order:
    """What is to lie in which folder."""

    out: Path
    shards: range
    size: int  # pixels a side
    faces: int = SHARD  # in a shard; training reads shards of 512


@dataclass(frozen=True)
class RenderedFolder:
    """What was done."""

    rendered: int  # faces
    kept: int  # faces that were there already
    stopped: bool


@dataclass
class _Shard:
    """A shard whose chunks come back in any order."""

    number: int
    parts: dict[int, RenderedFaces] = field(default_factory=dict)

    def faces(self) -> int:
        return sum(len(part.pictures) for part in self.parts.values())


def shard_z(number: int, faces: int = SHARD) -> NDArray[np.float32]:
    """The z [faces, 512] of a shard."""
    return np.random.RandomState(number).randn(faces, Z_DIM).astype(np.float32)


def render_shards(order: Order, processes: int, report: Report, stop: Callable[[], bool]) -> RenderedFolder:
    """Renders the shards that are not in the folder yet; the result does not depend on processes.

    stop is asked after every 16 faces; what is not finished then is left out. Raises RenderingError.
    """
    if order.size not in SIZES:
        raise RenderingError(
            f"Pictures can have {SIZES.start} to {SIZES.stop - 1} pixels a side, not {order.size}."
        )
    wanted = len(order.shards) * order.faces
    try:
        _claim(order)
        missing = [s for s in order.shards if not (order.out / f"{s:05d}.npz").exists()]
        kept = wanted - len(missing) * order.faces
        report(kept, wanted)
        rendered = 0
        for shard in _rendered(order, missing, processes, lambda n: report(kept + n, wanted), stop):
            _write(order, shard)
            rendered += order.faces
    except OSError as error:
        raise RenderingError(
            f"Cannot write to {order.out} ({error.strerror}); finished shards are kept, "
            "the same command goes on."
        ) from error
    except BrokenProcessPool as error:
        raise RenderingError(
            "A rendering process was ended from outside, perhaps for want of memory; "
            "finished shards are kept, the same command goes on."
        ) from error
    return RenderedFolder(rendered, kept, stopped=kept + rendered < wanted)


def _claim(order: Order) -> None:
    """Makes the folder, or checks that what is in it fits."""
    out = order.out
    out.mkdir(parents=True, exist_ok=True)
    for part in out.glob(".*.part"):
        if time.time() - part.stat().st_mtime > _ABANDONED:
            part.unlink(missing_ok=True)
    described = {"format": _FORMAT, "renderer": RENDERER_VERSION, "size": order.size, "faces": order.faces}
    path = out / _DESCRIPTION
    if path.exists():
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise RenderingError(f"{path} is damaged; choose another folder.") from error
        if found != described:
            raise RenderingError(
                f"{out} holds faces of another size or another version of the renderer; "
                "choose another folder."
            )
    elif any(out.glob("[0-9]*.npz")):
        raise RenderingError(f"{out} holds shards without {_DESCRIPTION}; choose another folder.")
    else:
        _replace(path, lambda file: file.write_text(json.dumps(described)))


def _rendered(
    order: Order, missing: list[int], processes: int, report: Callable[[int], None], stop: Callable[[], bool]
) -> Iterator[_Shard]:
    """The missing shards, each as soon as it is complete."""
    jobs = iter([(s, start) for s in missing for start in range(0, order.faces, _CHUNK)])
    chunks = _in_this_process(order, jobs) if processes == 1 else _in_processes(order, jobs, processes)
    begun: dict[int, _Shard] = {}
    done = 0
    with closing(chunks):
        for (number, start), part in chunks:
            shard = begun.setdefault(number, _Shard(number))
            shard.parts[start] = part
            done += len(part.pictures)
            report(done)
            if shard.faces() == order.faces:
                yield begun.pop(number)
            if stop():
                return


def _in_this_process(order: Order, jobs: Iterator[_Job]) -> Generator[tuple[_Job, RenderedFaces], None, None]:
    for job in jobs:
        yield job, _render_chunk(order, *job)


def _in_processes(
    order: Order, jobs: Iterator[_Job], processes: int
) -> Generator[tuple[_Job, RenderedFaces], None, None]:
    """The chunks in the order in which they are finished."""
    waiting: dict[Future[RenderedFaces], _Job] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_start_worker) as pool:
        try:
            while True:
                while len(waiting) < processes * _AHEAD and (job := next(jobs, None)) is not None:
                    waiting[pool.submit(_render_chunk, order, *job)] = job
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Ctrl-C is the parent's to handle; and a worker ends when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _render_chunk(order: Order, number: int, start: int) -> RenderedFaces:
    return render_with_truth(shard_z(number, order.faces)[start : start + _CHUNK], order.size)


def _write(order: Order, shard: _Shard) -> None:
    """The ground truth first: a shard counts as finished once its .npz is there."""
    parts = [shard.parts[start] for start in sorted(shard.parts)]
    landmarks = np.concatenate([part.landmarks for part in parts])
    lines = truth_lines(face_factors(shard_z(shard.number, order.faces)), landmarks)
    pictures = np.concatenate([part.pictures for part in parts])
    attributes = np.concatenate([part.attributes for part in parts])

    def save(file: Path) -> None:
        with file.open("wb") as stream:
            np.savez(stream, allow_pickle=False, x=pictures, a=attributes, lm=landmarks)

    stem = order.out / f"{shard.number:05d}"
    _replace(stem.with_suffix(".jsonl"), lambda file: file.write_text("\n".join(lines) + "\n"))
    _replace(stem.with_suffix(".npz"), save)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Writes beside the path and renames, so that the file is there whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
