"""Styles and demodulation of all layers at once: many small products of a matrix with a few vectors.

They take little arithmetic but every weight from memory once, so all threads fetch them together.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from ctypes import c_float, c_int64, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.native.kernels import Call, Writer
from models.stylegan2.native.machine import Machine
from models.stylegan2.native.packed import pack_bias, pack_rows
from models.stylegan2.native.sums import row_sums
from models.stylegan2.native.vector_code import Carried, Code, Fields, Int, Vector
from models.stylegan2.native.watch import Watched
from models.stylegan2.native.workspace import FLOAT
from models.stylegan2.operations import LRELU_GAIN

if TYPE_CHECKING:
    from models.stylegan2.operations import FullyConnected

CHUNK = 32  # rows in an item of work
TOGETHER = 4  # rows whose sums are in registers at a time
EPSILON = 1e-8  # under the root of the demodulation, as in equation 3 of StyleGAN2


class ProductJob(ctypes.Structure):
    """out [samples, rows] from matrix [rows, depth] and vectors [samples, depth]."""

    _fields_ = (
        ("matrix", c_void_p),
        ("rows", c_int64),  # a multiple of TOGETHER
        ("depth", c_int64),  # a multiple of the lanes
        ("vectors", c_void_p),
        ("vector_stride", c_int64),
        ("out", c_void_p),
        ("bias", c_void_p),  # [rows]; of styles only
        ("gain", c_float),  # of the product
        ("bias_gain", c_float),
    )


class ProductTask(ctypes.Structure):
    """Some of them."""

    _fields_ = (
        ("next_item", c_int64),
        ("jobs", c_void_p),
        ("count", c_int64),
        ("chunks", c_int64),  # of the matrix with most rows
        ("samples", c_int64),
    )


def styles_code(machine: Machine) -> Code:
    """The kernel: gain * matrix @ vector + bias_gain * bias."""
    code = Code("styles", ProductTask, machine.lanes)
    for job, sample, row in _rows(code):
        sums = _products(code, job, sample, row, squared=False)
        value = sums * job.factor("gain", TOGETHER)
        value = job.floats("bias").vector(row, TOGETHER) * job.factor("bias_gain", TOGETHER) + value
        job.floats("out").store(sample * job.number("rows") + row, value)
    return code


def demodulation_code(machine: Machine) -> Code:
    """The kernel: gain / sqrt(matrix @ vector^2 + EPSILON)."""
    code = Code("demodulation", ProductTask, machine.lanes)
    for job, sample, row in _rows(code):
        energy = _products(code, job, sample, row, squared=True) + EPSILON
        value = energy.inverse_root() * job.factor("gain", TOGETHER)
        job.floats("out").store(sample * job.number("rows") + row, value)
    return code


def _rows(code: Code) -> Iterator[tuple[Fields, Int, Int]]:
    """The loops over jobs, TOGETHER rows at a time, and samples."""
    task = code.task
    chunks, samples = task.number("chunks"), task.number("samples")
    with code.items("next_item", task.number("count") * chunks) as item:
        job = task.record("jobs", item // chunks, ProductJob)
        first = item % chunks * CHUNK
        with code.loop(first, (first + CHUNK).at_most(job.number("rows")), TOGETHER) as row:
            with code.loop(0, samples) as sample:
                yield job, sample, row


def _products(code: Code, job: Fields, sample: Int, row: Int, *, squared: bool) -> Vector:
    depth = job.number("depth")
    vector = job.floats("vectors").at(sample * job.number("vector_stride"))
    lines = [job.floats("matrix").at((row + i) * depth) for i in range(TOGETHER)]
    sums = [Carried(code, code.zeros()) for _ in lines]
    with code.loop(0, depth, code.lanes) as k:
        factor = vector.vector(k)
        factor = factor * factor if squared else factor
        for line, entry in zip(lines, sums, strict=True):
            entry.value = line.vector(k) * factor + entry.value
    return row_sums([entry.value for entry in sums])


@dataclass(frozen=True)
class Affine:
    """What makes a layer's styles of a row of ws."""

    layer: FullyConnected
    row: int
    factor: float  # of the styles


def styles(
    machine: Machine, watch: Watched, affines: Sequence[Affine], ws: Tensor
) -> tuple[list[Tensor], Call]:
    """The styles of each, [N, channels padded to the block], of ws [N, L, w_dim]; there after the call."""
    ws = (F.pad(ws, (0, -ws.shape[2] % machine.lanes)) if ws.shape[2] % machine.lanes else ws).contiguous()
    matrices = [_fitted(affine.layer, "weight", watch, machine) for affine in affines]
    biases = [_fitted(affine.layer, "bias", watch, machine) for affine in affines]
    results = _buffers(ws.shape[0], matrices)
    jobs = (ProductJob * len(affines))()
    for i, (affine, matrix, bias, out) in enumerate(zip(affines, matrices, biases, results, strict=True)):
        multiplier = affine.layer.lr_multiplier * affine.factor
        gain = multiplier / math.sqrt(affine.layer.weight.shape[1])
        vectors = ws.data_ptr() + affine.row * ws.stride(1) * FLOAT
        jobs[i] = ProductJob(
            matrix.data_ptr(),
            *matrix.shape,
            vectors,
            ws.stride(0),
            out.data_ptr(),
            bias.data_ptr(),
            gain,
            multiplier,
        )
    return results, _call(styles_code, jobs, ws.shape[0], (ws, matrices, biases, results))


def demodulations(energies: Sequence[Tensor], styles: Sequence[Tensor]) -> tuple[list[Tensor], Call]:
    """What each layer's sums are multiplied with, [N, out]; there after the call.

    That is the demodulation times the gain of the activation.
    """
    samples = styles[0].shape[0]
    results = _buffers(samples, energies)
    jobs = (ProductJob * len(energies))()
    for i, (energy, style, out) in enumerate(zip(energies, styles, results, strict=True)):
        vectors, stride = style.data_ptr(), style.stride(0)
        jobs[i] = ProductJob(
            energy.data_ptr(), *energy.shape, vectors, stride, out.data_ptr(), None, LRELU_GAIN, 0.0
        )
    return results, _call(demodulation_code, jobs, samples, (energies, styles, results))


def _buffers(samples: int, matrices: Sequence[Tensor]) -> list[Tensor]:
    """Memory for the product of each matrix with a vector of every sample."""
    rows = [matrix.shape[0] for matrix in matrices]
    parts = torch.empty(sum(rows) * samples).split([count * samples for count in rows])
    return [part.view(samples, count) for part, count in zip(parts, rows, strict=True)]


def _fitted(layer: FullyConnected, name: str, watch: Watched, machine: Machine) -> Tensor:
    """The weight or the bias with padding; itself where it needs none."""
    tensor: Tensor = getattr(layer, name)
    fits = tensor.shape[0] % machine.block == 0 and (tensor.ndim == 1 or tensor.shape[1] % machine.lanes == 0)
    if fits and tensor.is_contiguous():
        return tensor
    return watch.derived(layer, name, pack_rows if tensor.ndim == 2 else pack_bias, machine)


def _call(write: Writer, jobs: ctypes.Array[ProductJob], samples: int, alive: tuple[object, ...]) -> Call:
    chunks = max(-(-job.rows // CHUNK) for job in jobs)
    task = ProductTask(jobs=ctypes.addressof(jobs), count=len(jobs), chunks=chunks, samples=samples)
    return Call(write, task, (jobs, *alive))
