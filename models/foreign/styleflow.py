"""StyleFlow's flow: a state dict of its conditional normalising flow, as torch.save wrote it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from models.foreign.network import ForeignNetwork, Networks, weight
from models.foreign.records import PickledTensor
from models.foreign.torch_file import materialise
from models.styleflow.checkpoint import FlowConfig, check_flow
from models.styleflow.flow import ConditionalFlow
from models.weights import CheckpointError

_SIGN = "chain.1.odefunc.diffeq.layers.0._layer.weight"


def find_networks(content: object) -> Networks | None:
    """The flow of an unpickled file; None where it holds none."""
    if not isinstance(content, dict):
        return None
    state = {
        name.removeprefix("module."): tensor  # of torch.nn.DataParallel
        for name, tensor in content.items()
        if isinstance(name, str) and isinstance(tensor, PickledTensor)
    }
    return {"flow": lambda: read_flow(state)} if _SIGN in state else None


def read_flow(state: Mapping[str, PickledTensor]) -> ForeignNetwork:
    """Raises CheckpointError where it is not a flow that can be built."""
    config = _config({name: tensor.size for name, tensor in state.items()})
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in ConditionalFlow(config).state_dict().items()}
    if expected != {name: tensor.size for name, tensor in state.items()}:
        raise CheckpointError("The tensors in this file do not form a StyleFlow flow.")
    tensors = {name: weight(name, materialise(pickled)) for name, pickled in state.items()}
    check_flow(config, tensors)
    return ForeignNetwork("flow", config, tensors)


def _config(shapes: Mapping[str, tuple[int, ...]]) -> FlowConfig:
    layers = "chain.1.odefunc.diffeq.layers"
    widths: list[int] = []
    while (shape := shapes.get(f"{layers}.{len(widths)}._layer.weight")) is not None and len(shape) == 2:
        widths.append(shape[0])
    context = shapes.get(f"{layers}.0._hyper_bias.weight", ())
    blocks = sum(1 for name in shapes if name.endswith(".sqrt_end_time"))
    try:
        return FlowConfig(widths[-1], tuple(widths[:-1]), context[1] - 1, blocks)
    except (IndexError, ValueError) as error:
        raise CheckpointError("The tensors in this file do not form a StyleFlow flow.") from error
