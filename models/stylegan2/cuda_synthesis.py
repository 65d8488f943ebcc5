"""Synthesis on a CUDA device: float16 in the high blocks, channels_last, replayed as CUDA graphs.

A graph is kept for each batch size, resolution and kind of noise. It reads the weights where they are, so
changes in place are seen; a weight that moved to another address makes new graphs.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.stylegan2.operations import fir, leaky_relu, upsample2

if TYPE_CHECKING:
    from models.stylegan2.generator import SynthesisNetwork
    from models.stylegan2.synthesis_blocks import NoiseMode, SynthesisBlock, SynthesisLayer, ToRGB

HALF_BLOCKS = 4  # the highest ones, as in NVIDIA's configurations (num_fp16_res)
CLAMP = 32768.0  # of float16 activations where the network has no clamp of its own: below infinity
GRAPHS = 8  # kept for a network; the one not used for longest goes first
WARM_UP = 3  # runs before a capture: libraries choose their algorithms in them


def picture(
    network: SynthesisNetwork,
    ws: Tensor,
    noise_mode: NoiseMode,
    noise: Sequence[Tensor | None],
    resolution: int,
) -> Tensor | None:
    """As SynthesisNetwork.forward with checked arguments; None where its modules have to compute it."""
    tensors = [*network.parameters(), *network.buffers()]
    given = [field for field in noise if field is not None]
    if not all(t.is_cuda and t.dtype == torch.float32 for t in [ws, *given, *tensors]):
        return None
    if torch.is_grad_enabled() and any(t.requires_grad for t in [ws, *given, *tensors]):
        return None
    if network.rgb_resolutions != network.resolutions or torch.cuda.is_current_stream_capturing():
        return None
    if torch.compiler.is_compiling() or any(
        m._forward_hooks or m._forward_pre_hooks for m in network.modules()
    ):
        return None
    graphs = _graphs(network)
    shapes = tuple(None if field is None else tuple(field.shape) for field in noise)
    addresses = tuple(tensor.data_ptr() for tensor in tensors)
    key = (ws.shape[0], resolution, noise_mode, shapes, addresses)
    if key not in graphs:
        while len(graphs) >= GRAPHS:
            graphs.popitem(last=False)
        graphs[key] = _capture(network, ws, noise_mode, noise, resolution)
    graphs.move_to_end(key)
    return graphs[key].replay(ws, noise)


@dataclass(frozen=True)
class _Graph:
    graph: torch.cuda.CUDAGraph
    ws: Tensor
    noise: list[Tensor | None]
    picture: Tensor
    tensors: list[Tensor]  # the network's: their memory must not be given to others

    def replay(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """The picture for these inputs; a copy, because the next replay writes to the same memory."""
        self.ws.copy_(ws)
        for place, field in zip(self.noise, noise, strict=True):
            if place is not None and field is not None:
                place.copy_(field)
        self.graph.replay()
        return self.picture.clone()


@cache
def _all_graphs() -> WeakKeyDictionary[nn.Module, OrderedDict[object, _Graph]]:
    return WeakKeyDictionary()


def _graphs(network: SynthesisNetwork) -> OrderedDict[object, _Graph]:
    return _all_graphs().setdefault(network, OrderedDict())


def _capture(
    network: SynthesisNetwork,
    ws: Tensor,
    noise_mode: NoiseMode,
    noise: Sequence[Tensor | None],
    resolution: int,
) -> _Graph:
    with torch.no_grad(), torch.inference_mode(False):
        own_ws = ws.detach().clone()
        own_noise = [None if field is None else field.detach().clone() for field in noise]
        stream = torch.cuda.Stream(ws.device)
        stream.wait_stream(torch.cuda.current_stream(ws.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                mixed_precision(network, own_ws, noise_mode, own_noise, resolution)
        torch.cuda.current_stream(ws.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = mixed_precision(network, own_ws, noise_mode, own_noise, resolution)
    tensors = [tensor.detach() for tensor in [*network.parameters(), *network.buffers()]]
    return _Graph(graph, own_ws, own_noise, result, tensors)


def mixed_precision(
    network: SynthesisNetwork,
    ws: Tensor,
    noise_mode: NoiseMode,
    noise: Sequence[Tensor | None],
    resolution: int,
) -> Tensor:
    """The picture with the highest HALF_BLOCKS blocks in float16, on any device. Skip architecture only."""
    x: Tensor | None = None
    image: Tensor | None = None
    first = 0
    for r in network.resolutions:
        block = network.block(r)
        dtype = torch.float16 if r in network.resolutions[1:][-HALF_BLOCKS:] else torch.float32
        rows = ws[:, first : first + block.num_conv + 1]
        x, image = _block(block, x, image, rows, noise_mode, noise[first : first + block.num_conv], dtype)
        first += block.num_conv
        if r == resolution:
            break
    assert image is not None
    return image


def _block(
    block: SynthesisBlock,
    x: Tensor | None,
    image: Tensor | None,
    ws: Tensor,
    noise_mode: NoiseMode,
    noise: Sequence[Tensor | None],
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    if x is None:
        x = block.const.unsqueeze(0).expand(ws.shape[0], -1, -1, -1)
    x = x.to(dtype, memory_format=torch.channels_last)
    if not block.first:
        x = _layer(block.conv0, x, ws[:, 0], noise_mode, noise[0])
    x = _layer(block.conv1, x, ws[:, block.num_conv - 1], noise_mode, noise[-1])
    assert block.torgb is not None
    rgb = _to_rgb(block.torgb, x, ws[:, block.num_conv]).to(
        torch.float32, memory_format=torch.contiguous_format
    )
    return x, rgb if image is None else upsample2(image, block.resample_filter) + rgb


def _layer(
    layer: SynthesisLayer, x: Tensor, w: Tensor, noise_mode: NoiseMode, noise: Tensor | None
) -> Tensor:
    styles = layer.affine(w)
    weight: Tensor = layer.weight
    if x.dtype == torch.float16:  # into the range of float16; the demodulation takes the factors out again
        weight = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) * math.sqrt(weight[0].numel()))
        styles = styles / styles.abs().amax(dim=1, keepdim=True)
    energies = styles.square() @ weight.square().sum(dim=(2, 3)).t()
    filters = weight.to(x.dtype)
    x = x * styles.to(x.dtype)[:, :, None, None]
    if layer.up:
        x = F.conv_transpose2d(x, filters.transpose(0, 1), stride=2)
        k = layer.resample_filter.shape[0]
        before, after = (k - 1) // 2, (k - 2) // 2
        x = fir(x, layer.resample_filter, (before, after, before, after), gain=4.0)
    else:
        x = F.conv2d(x, filters.contiguous(memory_format=torch.channels_last), padding=1)
    x = x * torch.rsqrt(energies + 1e-8).to(x.dtype)[:, :, None, None]
    field = layer.noise_field(x, noise_mode, noise)
    if field is not None:
        x = x + field.to(x.dtype)
    x = x + layer.bias.to(x.dtype)[None, :, None, None]
    return leaky_relu(x, clamp=_clamp(layer.conv_clamp, x.dtype))


def _to_rgb(to_rgb: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    styles = to_rgb.affine(w) / math.sqrt(to_rgb.weight.shape[1])
    x = F.conv2d(x * styles.to(x.dtype)[:, :, None, None], to_rgb.weight.to(x.dtype))
    x = x + to_rgb.bias.to(x.dtype)[None, :, None, None]
    clamp = _clamp(to_rgb.conv_clamp, x.dtype)
    return x if clamp is None else x.clamp(-clamp, clamp)


def _clamp(clamp: float | None, dtype: torch.dtype) -> float | None:
    return CLAMP if clamp is None and dtype == torch.float16 else clamp
