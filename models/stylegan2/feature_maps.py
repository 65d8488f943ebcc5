"""What the layers of a synthesis network compute on the way to a picture, to be looked at or analysed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.stylegan2.generator import SynthesisLayer, SynthesisNetwork


@torch.no_grad()
def feature_maps(
    network: SynthesisNetwork, ws: Tensor, layer: int, noise: Sequence[Tensor | None] | None = None
) -> Tensor:
    """The output [N, C, r, r] of a 3x3 convolution with its noise, bias and activation, for ws [N, L, w_dim].

    layer: counted as the noise maps are, 4x4 first, then two a block. noise: as for synthesis. Blocks above
    are not computed. Raises ValueError where there is no such layer.
    """
    layers = [module for module in network.modules() if isinstance(module, SynthesisLayer)]
    if not 0 <= layer < len(layers):
        raise ValueError(f"the layer must lie in 0..{len(layers) - 1}, not {layer}")
    caught: list[Tensor] = []
    hook = layers[layer].register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        block_maps(network, ws, layers[layer].resolution, noise)
    finally:
        hook.remove()
    return caught[0]


@torch.no_grad()
def block_maps(
    network: SynthesisNetwork, ws: Tensor, resolution: int, noise: Sequence[Tensor | None] | None = None
) -> Tensor:
    """The feature maps [N, C, r, r] at the end of the block of that resolution: in a 'resnet' generator with
    its shortcut. By its modules, in float32 on every device; no block above is computed.
    """
    fields = list(noise or [None] * len(network.noise_resolutions))
    x: Tensor | None = None
    img: Tensor | None = None
    first = 0
    for r in network.resolutions:
        block = network.block(r)
        last = first + block.num_conv
        x, img = block(x, img, ws[:, first : last + 1], "const", fields[first:last])
        first = last
        if r == resolution:
            break
    assert x is not None
    return x


def channels_by_strength(maps: Tensor) -> Tensor:
    """The channels of maps [C, r, r] in the order of their root mean squares, strongest first [C]."""
    return maps.square().mean(dim=(1, 2)).argsort(descending=True, stable=True)
