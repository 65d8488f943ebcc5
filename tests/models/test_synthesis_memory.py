"""Remembered activations: less work where only higher layers change, and the same picture to the last bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.native import kernels
from models.stylegan2.native.machine import Machine, host
from models.stylegan2.native.memory import SynthesisMemory
from models.stylegan2.native.upconvolution import upconvolution_code
from models.stylegan2.native.winograd import convolution_code

RESOLUTION = 64
ROWS = 10

pytestmark = pytest.mark.skipif(host() is None, reason="the kernels are for Linux on x86-64 with AVX2")


@pytest.fixture(scope="module")
def generator() -> Generator:
    config = GeneratorConfig(z_dim=8, w_dim=32, img_resolution=RESOLUTION, channel_base=1024, channel_max=64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        made = Generator(config).eval().requires_grad_(False)
        for name, parameter in made.synthesis.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return made


def latent(seed: int) -> Tensor:
    return torch.randn(1, ROWS, 32, generator=torch.Generator().manual_seed(seed))


def changed_from(row: int, seed: int = 2) -> Tensor:
    """Latent 1 with other rows from that one on."""
    return torch.cat([latent(1)[:, :row], latent(seed)[:, row:]], dim=1)


def noise_maps(generator: Generator, seed: int) -> list[Tensor | None]:
    random = torch.Generator().manual_seed(seed)
    sides = generator.synthesis.noise_resolutions
    return [torch.randn(1, 1, side, side, generator=random) for side in sides]


@pytest.fixture
def convolutions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many convolutions each picture took."""
    counts: list[int] = []
    run = kernels.run

    def counting(machine: Machine, calls: list[kernels.Call]) -> None:
        counts.append(sum(call.write in (convolution_code, upconvolution_code) for call in calls))
        run(machine, calls)

    monkeypatch.setattr("models.stylegan2.native.synthesis.run", counting)
    return counts


@pytest.mark.parametrize("row", range(ROWS + 1))
def test_layers_below_a_change_are_not_computed_again(
    generator: Generator, convolutions: list[int], row: int
) -> None:
    memory = SynthesisMemory()
    generator.synthesis(latent(1), memory=memory)
    reused = generator.synthesis(changed_from(row), memory=memory)
    # Row 9 is only that of the last ToRGB; of an unchanged picture all is there but the last ToRGB.
    assert convolutions == [9, max(0, 9 - row)]
    assert torch.equal(reused, generator.synthesis(changed_from(row)))


def test_a_preview_is_continued_to_the_full_picture(generator: Generator, convolutions: list[int]) -> None:
    memory = SynthesisMemory()
    preview = generator.synthesis(latent(1), resolution=16, memory=memory)
    full = generator.synthesis(latent(1), memory=memory)
    assert convolutions == [5, 4]
    assert torch.equal(preview, generator.synthesis(latent(1), resolution=16))
    assert torch.equal(full, generator.synthesis(latent(1)))


def test_a_preview_after_the_full_picture_takes_no_convolution(
    generator: Generator, convolutions: list[int]
) -> None:
    memory = SynthesisMemory()
    generator.synthesis(latent(1), memory=memory)
    preview = generator.synthesis(latent(1), resolution=32, memory=memory)
    assert convolutions == [9, 0]
    assert torch.equal(preview, generator.synthesis(latent(1), resolution=32))


def test_a_value_put_back_gives_the_identical_picture(generator: Generator) -> None:
    memory = SynthesisMemory()
    first = generator.synthesis(latent(1), memory=memory)
    for row in (7, 2, 9, 4):
        generator.synthesis(changed_from(row, seed=row), resolution=32, memory=memory)
    assert torch.equal(generator.synthesis(latent(1), memory=memory), first)


@pytest.mark.parametrize("layer", range(ROWS - 1))
def test_a_changed_noise_map_is_seen_and_only_what_is_above_it_is_computed(
    generator: Generator, convolutions: list[int], layer: int
) -> None:
    memory = SynthesisMemory()
    maps, others = noise_maps(generator, 1), noise_maps(generator, 2)
    generator.synthesis(latent(1), noise=maps, memory=memory)
    mixed = [*(field.clone() if field is not None else None for field in maps)]
    mixed[layer] = others[layer]
    picture = generator.synthesis(latent(1), noise=mixed, memory=memory)
    assert convolutions == [9, 9 - layer]
    assert torch.equal(picture, generator.synthesis(latent(1), noise=mixed))


def test_a_noise_map_changed_in_place_is_seen(generator: Generator) -> None:
    memory, maps = SynthesisMemory(), noise_maps(generator, 1)
    generator.synthesis(latent(1), noise=maps, memory=memory)
    field = maps[4]
    assert field is not None
    field.neg_()
    assert torch.equal(
        generator.synthesis(latent(1), noise=maps, memory=memory), generator.synthesis(latent(1), noise=maps)
    )


def test_random_noise_is_drawn_anew(generator: Generator) -> None:
    memory = SynthesisMemory()
    one, two = (generator.synthesis(latent(1), noise_mode="random", memory=memory) for _ in range(2))
    assert not torch.equal(one, two)


def test_a_mode_of_noise_is_part_of_the_input(generator: Generator) -> None:
    memory = SynthesisMemory()
    generator.synthesis(latent(1), memory=memory)
    silent = generator.synthesis(latent(1), noise_mode="none", memory=memory)
    assert torch.equal(silent, generator.synthesis(latent(1), noise_mode="none"))


def test_changing_a_returned_picture_changes_nothing_remembered(generator: Generator) -> None:
    memory = SynthesisMemory()
    for resolution in (16, 16, 32, RESOLUTION, RESOLUTION):
        picture = generator.synthesis(latent(1), resolution=resolution, memory=memory)
        assert torch.equal(picture, generator.synthesis(latent(1), resolution=resolution))
        picture.zero_()


def test_changed_weights_are_seen(generator: Generator) -> None:
    memory = SynthesisMemory()
    generator.synthesis(latent(1), memory=memory)
    bias = generator.synthesis.block(8).conv0.bias
    bias.add_(1)
    changed = generator.synthesis(latent(1), memory=memory)
    expected = generator.synthesis(latent(1))
    bias.sub_(1)
    assert torch.equal(changed, expected)


def test_another_network_is_another_input(generator: Generator) -> None:
    memory = SynthesisMemory()
    other = Generator(generator.config).eval().requires_grad_(False)
    generator.synthesis(latent(1), memory=memory)
    assert torch.equal(other.synthesis(latent(1), memory=memory), other.synthesis(latent(1)))


@pytest.mark.parametrize("kilobytes", [0, 20, 100, 400])
def test_what_does_not_fit_is_computed_again(
    generator: Generator, convolutions: list[int], kilobytes: int
) -> None:
    memory = SynthesisMemory(limit=kilobytes * 1024)
    generator.synthesis(latent(1), memory=memory)
    picture = generator.synthesis(changed_from(8), memory=memory)
    assert convolutions[1] > 1
    assert torch.equal(picture, generator.synthesis(changed_from(8)))


def test_a_memory_is_for_one_picture_at_a_time(generator: Generator) -> None:
    with pytest.raises(ValueError, match="one picture"):
        generator.synthesis(latent(1).repeat(2, 1, 1), memory=SynthesisMemory())
