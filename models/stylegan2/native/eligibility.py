"""Whether the kernels can compute what is asked for; where not, PyTorch's operations do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd import forward_ad

from models.stylegan2.native.calls import Weights
from models.stylegan2.native.watch import Watched

if TYPE_CHECKING:
    from models.stylegan2.generator import SynthesisNetwork


def reason_against(network: SynthesisNetwork, weights: Weights) -> str | None:
    """Why the kernels cannot compute this network, in a sentence; None where they can."""
    facts = weights.watch.facts
    if reason_against not in facts:
        facts[reason_against] = _reason_against(network, weights)
    reason = facts[reason_against]
    return None if reason is None else str(reason)


def _reason_against(network: SynthesisNetwork, weights: Weights) -> str | None:
    tensors = weights.watch.tensors
    if any(not tensor.is_cpu or tensor.dtype != torch.float32 for tensor in tensors):
        return "The network is not in float32 on the CPU."
    if any(tensor.is_inference() for tensor in tensors):
        return "The network was made in inference mode, where PyTorch does not count changes of its weights."
    if network.rgb_resolutions != network.resolutions:
        return "Its architecture is not 'skip'."
    for resolution in network.resolutions[1:]:
        block = network.block(resolution)
        if weights.taps(block) is None or weights.taps(block.conv0) is None:
            return "Its low-pass filter is not a separable one of 4 taps."
    return None


def are_ordinary(ws: Tensor, noise: Sequence[Tensor | None]) -> bool:
    """Whether these are tensors of the CPU, and PyTorch is not at anything but computing with them.

    Tracing, compiling, autocast, forward derivatives and torch.func want to see the single operations.
    """
    inputs = [ws, *(field for field in noise if field is not None)]
    if not all(
        type(tensor) is Tensor and tensor.is_cpu and tensor.dtype == torch.float32 for tensor in inputs
    ):
        return False
    if ws.shape[0] == 0 or any(f.ndim != 4 or f.shape[0] not in (1, ws.shape[0]) for f in inputs[1:]):
        return False
    if torch._C._get_tracing_state() is not None or torch.compiler.is_compiling():
        return False
    if torch.is_autocast_enabled("cpu") or forward_ad._current_level >= 0:
        return False
    return torch._C._functorch.peek_interpreter_stack() is None


def wants_only_pictures(watch: Watched, ws: Tensor, noise: Sequence[Tensor | None]) -> bool:
    """Whether nobody asks for gradients or looks at single layers."""
    if torch.is_grad_enabled():
        involved = [ws, *(field for field in noise if field is not None), *watch.tensors]
        if any(tensor.requires_grad for tensor in involved):
            return False
    return not any(module._forward_hooks or module._forward_pre_hooks for module in watch.modules)
