"""What the layers of a synthesis network compute on the way to a picture, to be looked at or analysed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.stylegan2.generator import SynthesisNetwork
from models.stylegan2.synthesis_blocks import SynthesisLayer

Noise = Sequence[Tensor | None]


def feature_maps(network: SynthesisNetwork, ws: Tensor, layer: int, noise: Noise | None = None) -> Tensor:
    """The output [N, C, r, r] of a 3x3 convolution with its noise, bias and activation, for ws [N, L, w_dim].

    layer: counted as the noise maps are, 4x4 first, then two a block. noise: as for synthesis. Blocks above
    are not computed. Raises ValueError where there is no such layer.
    """
    *_, maps = feature_map_steps(network, ws, layer, noise)
    assert maps is not None
    return maps


def feature_map_steps(
    network: SynthesisNetwork, ws: Tensor, layer: int, noise: Noise | None = None
) -> Iterator[Tensor | None]:
    """The same block by block: None after each one below the layer's, then the maps. Raises ValueError."""
    layers = [module for module in network.modules() if isinstance(module, SynthesisLayer)]
    if not 0 <= layer < len(layers):
        raise ValueError(f"the layer must lie in 0..{len(layers) - 1}, not {layer}")
    return _steps(network, ws, layers[layer], noise)


def _steps(
    network: SynthesisNetwork, ws: Tensor, layer: SynthesisLayer, noise: Noise | None
) -> Iterator[Tensor | None]:
    blocks = _blocks(network, ws, noise)
    for r in network.resolutions:
        if r == layer.resolution:
            break
        next(blocks)
        yield None
    caught: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        next(blocks)
    finally:
        hook.remove()
    yield caught[0]


def block_maps(network: SynthesisNetwork, ws: Tensor, resolution: int, noise: Noise | None = None) -> Tensor:
    """The feature maps [N, C, r, r] at the end of the block of that resolution: in a 'resnet' generator with
    its shortcut. No block above is computed.
    """
    blocks = _blocks(network, ws, noise)
    return next(x for r, x in zip(network.resolutions, blocks, strict=False) if r == resolution)


def _blocks(network: SynthesisNetwork, ws: Tensor, noise: Noise | None) -> Iterator[Tensor]:
    """What comes out of each block, by its modules, in float32 on every device."""
    fields = list(noise or [None] * len(network.noise_resolutions))
    x: Tensor | None = None
    img: Tensor | None = None
    first = 0
    for r in network.resolutions:
        block = network.block(r)
        last = first + block.num_conv
        with torch.no_grad():
            x, img = block(x, img, ws[:, first : last + 1], "const", fields[first:last])
        first = last
        yield x


def channels_by_strength(maps: Tensor) -> Tensor:
    """The channels of maps [C, r, r] in the order of their root mean squares, strongest first [C]."""
    return maps.square().mean(dim=(1, 2)).argsort(descending=True, stable=True)
