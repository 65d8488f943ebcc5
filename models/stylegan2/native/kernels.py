"""Kernels are compiled when first used, a fraction of a second each, and run by the whole team."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from models.stylegan2.native.machine import Machine, compile_kernel
from models.stylegan2.native.team import team
from models.stylegan2.native.vector_code import Code

Writer = Callable[[Machine], Code]
"""Writes a kernel."""


@cache
def compiled(machine: Machine, write: Writer) -> int:
    """The address of the kernel."""
    code = write(machine)
    return compile_kernel(machine, code.name, code.assembly())


@dataclass(frozen=True)
class Call:
    """A kernel and what it is to do."""

    write: Writer
    task: ctypes.Structure
    alive: tuple[object, ...]  # what the task points to


def run(machine: Machine, calls: Sequence[Call]) -> None:
    """One after another, each by all threads."""
    _, parallel = team()
    threads = torch.get_num_threads()
    for call in calls:
        parallel(compiled(machine, call.write), ctypes.addressof(call.task), threads)
