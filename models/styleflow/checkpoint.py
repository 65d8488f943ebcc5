"""What a flow file holds: configuration and tensors, from our safetensors or StyleFlow's .pt.

Nothing in a file is executed and no size or shape in it is trusted.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.styleflow.attributes import ATTRIBUTES
from models.weights import CheckpointError, read_weights

FORMAT = "latentloom-flow"
MAX_FILE_BYTES = 256 * 2**20
MAX_WIDTH, MAX_DEPTH = 8192, 32
MAX_PARAMETERS = 2**26  # StyleFlow's own flow has 1.7 million


@dataclass(frozen=True)
class FlowConfig:
    """Everything that fixes the shapes and the input units of a flow."""

    dim: int
    hidden: tuple[int, ...]
    context_dim: int = len(ATTRIBUTES)
    num_blocks: int = 1
    whitened: bool = False
    attribute_mean: tuple[float, ...] | None = None  # raw units; None with attribute_std: fed as they are
    attribute_std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        sizes = (self.dim, self.context_dim, self.num_blocks, *self.hidden)
        if not all(1 <= size <= MAX_WIDTH for size in sizes) or not 1 <= len(self.hidden) <= MAX_DEPTH:
            raise ValueError(f"the sizes of a flow must be 1..{MAX_WIDTH}, with 1..{MAX_DEPTH} hidden layers")
        if self.num_blocks > MAX_DEPTH:
            raise ValueError(f"a flow has at most {MAX_DEPTH} blocks")
        if (self.attribute_mean is None) != (self.attribute_std is None):
            raise ValueError("attribute_mean and attribute_std go together")
        for values in (self.attribute_mean, self.attribute_std):
            if values is not None and not (
                len(values) == self.context_dim and all(math.isfinite(v) for v in values)
            ):
                raise ValueError(f"attribute_mean and attribute_std need {self.context_dim} finite numbers")
        if self.attribute_std is not None and min(self.attribute_std) <= 0:
            raise ValueError("attribute_std must be positive")


def read_flow(source: str | Path | bytes) -> tuple[FlowConfig, dict[str, Tensor]]:
    """Configuration and finite float tensors of a file, given as a path or as the file's bytes.

    Raises CheckpointError with one sentence for the user.
    """
    data = source if isinstance(source, bytes) else _read_bytes(Path(source))
    if data[8:9] == b"{":  # after the length of the header; no .pt has it there
        config, tensors = _read_safetensors(data)
    elif data[:4] == b"PK\x03\x04" or data[:1] == b"\x80":
        config, tensors = _read_styleflow_pt(data)
    else:
        raise CheckpointError("This file is neither a StyleFlow .pt nor a safetensors flow.")
    if config.context_dim != len(ATTRIBUTES):
        raise CheckpointError(
            f"This flow takes {config.context_dim} attributes; {len(ATTRIBUTES)} are needed."
        )
    _refuse_unusable(tensors)
    return config, tensors


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"The flow file {path.name} cannot be read.") from error
    if len(data) > MAX_FILE_BYTES:
        raise CheckpointError(f"The flow file {path.name} is larger than {MAX_FILE_BYTES >> 20} MiB.")
    return data


def _read_styleflow_pt(data: bytes) -> tuple[FlowConfig, dict[str, Tensor]]:
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                # PyTorch stores without compression: anything else could unpack to any size.
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                    raise CheckpointError(
                        "This .pt file is a compressed archive, which PyTorch never writes."
                    )
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # the pickle parser raises whatever the damaged bytes lead it to
        raise CheckpointError(
            "This .pt file is damaged or holds more than tensors; a StyleFlow state dict is needed."
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise CheckpointError("This .pt file is not a state dict of tensors; a StyleFlow flow is needed.")
    tensors = {name.removeprefix("module."): value for name, value in content.items()}
    return _config_from_shapes({name: tuple(value.shape) for name, value in tensors.items()}), tensors


def _config_from_shapes(shapes: Mapping[str, tuple[int, ...]]) -> FlowConfig:
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


def _read_safetensors(data: bytes) -> tuple[FlowConfig, dict[str, Tensor]]:
    fields, tensors = read_weights(data, FORMAT)
    try:
        return _config_from_json(fields), tensors
    except (ValueError, KeyError, OverflowError) as error:
        raise CheckpointError("The config of this flow is damaged.") from error


def _config_from_json(fields: Mapping[str, object]) -> FlowConfig:
    def numbers(name: str, kind: type[int] | type[float]) -> tuple[float, ...] | None:
        values = fields[name]
        if values is None:
            return None
        if not isinstance(values, list) or not all(type(v) in (int, kind) for v in values):
            raise ValueError(f"{name} must be a list of numbers")
        return tuple(values)

    def size(name: str) -> int:
        value = fields[name]
        if type(value) is not int:
            raise ValueError(f"{name} must be a whole number")
        return value

    hidden = numbers("hidden", int)
    return FlowConfig(
        dim=size("dim"),
        hidden=tuple(int(v) for v in hidden or ()),
        context_dim=size("context_dim"),
        num_blocks=size("num_blocks"),
        whitened=fields["whitened"] is True,
        attribute_mean=numbers("attribute_mean", float),
        attribute_std=numbers("attribute_std", float),
    )


def _refuse_unusable(tensors: Mapping[str, Tensor]) -> None:
    if sum(value.numel() for value in tensors.values()) > MAX_PARAMETERS:
        raise CheckpointError("This flow is far larger than any known one.")
    for name, value in tensors.items():
        usable = value.layout == torch.strided and value.is_floating_point() and value.device.type == "cpu"
        if not usable or not bool(value.isfinite().all()):
            raise CheckpointError(f"The tensor {name} of this flow is not made of finite numbers.")
        low = float(value.min()) if value.numel() else 0.0
        if name.endswith(".running_var") and low < 0:
            raise CheckpointError("This flow has a negative variance.")
        if name.endswith(".sqrt_end_time") and not 0 < float(value.square().max()) <= 100:
            raise CheckpointError("This flow has an end time outside 0..100.")
        if name == "whitening.scale" and low <= 0:
            raise CheckpointError("This flow has a whitening scale that is not positive.")
