"""Where the generator asks for a picture by the kernels, or learns that PyTorch's operations must make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.stylegan2.native.calls import Weights, packed_size
from models.stylegan2.native.eligibility import are_ordinary, reason_against, wants_only_pictures
from models.stylegan2.native.kernels import compiled
from models.stylegan2.native.machine import host
from models.stylegan2.native.memory import SynthesisMemory
from models.stylegan2.native.synthesis import KERNELS, convolutions, synthesize
from models.stylegan2.native.team import team
from models.stylegan2.native.watch import watched
from models.stylegan2.native.workspace import workspace

if TYPE_CHECKING:
    from models.stylegan2.generator import SynthesisNetwork
    from models.stylegan2.synthesis_blocks import NoiseMode


@dataclass(frozen=True)
class Method:
    """How pictures are computed."""

    name: str  # "kernels" or "pytorch"
    detail: str


def picture(
    network: SynthesisNetwork,
    ws: Tensor,
    noise_mode: NoiseMode,
    noise: Sequence[Tensor | None],
    resolution: int,
    memory: SynthesisMemory | None,
) -> Tensor | None:
    """As SynthesisNetwork.forward with checked arguments; None where the kernels are not for it."""
    machine = host()
    if machine is None or not are_ordinary(ws, noise):
        return None
    watch = watched(network)
    with workspace().lock, watch.lock:
        watch.refresh()
        weights = Weights(machine, watch)
        if not wants_only_pictures(watch, ws, noise) or reason_against(network, weights) is not None:
            return None
        fields = _fields(network, len(ws), noise_mode, noise, resolution)
        return synthesize(weights, network, ws, fields, resolution, memory)


def usual_method() -> Method:
    """How pictures are computed on this machine, as long as nothing about a network speaks against it."""
    machine = host()
    if machine is None:
        return Method("pytorch", "The machine is not a Linux one on x86-64 with AVX2.")
    return Method("kernels", f"{32 * machine.lanes}-bit vectors, threads: {team()[0]}")


def method(network: SynthesisNetwork) -> Method:
    """How the pictures of this network are computed on this machine."""
    machine = host()
    if machine is None:
        return usual_method()
    weights = Weights(machine, watched(network))
    with weights.watch.lock:
        weights.watch.refresh()
        reason = reason_against(network, weights)
    return usual_method() if reason is None else Method("pytorch", reason)


def prepare(network: SynthesisNetwork) -> Method:
    """Compile the kernels and pack the weights now, about two seconds, not when the first picture is wanted.

    Nothing happens where PyTorch's operations make the pictures. Those of other networks need not wait.
    """
    used, machine = method(network), host()
    if machine is not None and used.name == "kernels":
        for write in KERNELS:
            compiled(machine, write)
        weights = Weights(machine, watched(network))
        with weights.watch.lock:
            weights.watch.refresh()
            for layer in convolutions(network):
                weights.packed(layer)
    return used


def packed_bytes(network: SynthesisNetwork) -> int:
    """Memory that the packed weights of a network take or will take, beside its own weights."""
    machine = host()
    if machine is None or method(network).name != "kernels":
        return 0
    return sum(packed_size(layer, machine) for layer in convolutions(network))


def _fields(
    network: SynthesisNetwork, samples: int, mode: NoiseMode, given: Sequence[Tensor | None], resolution: int
) -> list[Tensor | None]:
    """The noise of each layer, [samples or 1, r, r]; random noise is drawn in the order of the layers."""
    fields: list[Tensor | None] = []
    for layer, field in zip(convolutions(network), given, strict=True):
        side = layer.resolution
        if not layer.use_noise:
            fields.append(None)
        elif field is not None:
            fields.append(field[:, 0])
        elif mode == "const":
            fields.append(layer.noise_const[None])
        elif mode == "random" and side <= resolution:
            fields.append(torch.randn([samples, 1, side, side])[:, 0])
        else:
            fields.append(None)
    return fields
