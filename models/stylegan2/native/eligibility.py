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


def wants_only_pictures(watch: Watched, ws: Tensor, noise: Sequence[Tensor | None]) -> bool:
    """Whether nothing but the picture is asked for: no derivatives, and nobody looks at single layers."""
    inputs = [ws, *(field for field in noise if field is not None)]
    if not all(
        type(tensor) is Tensor and tensor.is_cpu and tensor.dtype == torch.float32 for tensor in inputs
    ):
        return False
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in [*inputs, *watch.tensors]):
        return False
    if len(ws) == 0 or any(field.ndim != 4 or len(field) not in (1, len(ws)) for field in inputs[1:]):
        return False
    if torch.jit.is_tracing() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):  # type: ignore[attr-defined,no-untyped-call]
        return False
    if forward_ad._current_level >= 0 or torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    return not any(module._forward_hooks or module._forward_pre_hooks for module in watch.modules)
