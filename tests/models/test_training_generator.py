"""Training the generator from pairs: it learns, resumes to the same weights, and scores noise fairly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.stylegan2.generator import Generator, GeneratorConfig
from models.training import generator as training
from models.training.generator_state import (
    GeneratorTraining,
    TrainingState,
    load_state,
    new_state,
    save_state,
)
from models.training.losses import energy_loss, pair_loss
from models.training.mapping import shift_w, spread_thresholds, teach_mapping
from models.training.pairs import Pairs, batches, load_pairs, picture_tensor, shard_z

Floats = NDArray[np.float32]
CONFIG = GeneratorConfig(16, 16, 16, mapping_layers=2, channel_base=128, channel_max=16)


def flat(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(x, 4).flatten(1) / 128


def coloured_pairs(count: int) -> Pairs:
    """Pictures of one colour that z decides."""
    z = np.random.RandomState(0).randn(count, 16).astype(np.float32)
    colour = np.clip(128 + 60 * z[:, :3], 0, 255).astype(np.uint8)
    pictures = np.broadcast_to(colour[:, None, None], (count, 16, 16, 3)).copy()
    return Pairs(pictures, z, np.zeros((count, 17), np.float32))


def phase(steps: int, **changes: object) -> GeneratorTraining:
    return GeneratorTraining(16, steps, batch=8, save_every=1e9, **changes)  # type: ignore[arg-type]


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def run(out: Path, state: TrainingState, steps: int, **changes: object) -> list[dict[str, float]]:
    entries: list[dict[str, float]] = []
    pairs = coloured_pairs(64)
    training.train(state, pairs, pairs, phase(steps, **changes), flat, out, entries.append)
    return entries


def test_the_generator_learns_the_picture_of_z(tmp_path: Path) -> None:
    state = new_state(CONFIG, phase(0))
    before = training.held_out_error(state.generator, coloured_pairs(32), phase(0))
    run(tmp_path, state, 120)
    after = training.held_out_error(state.generator, coloured_pairs(32), phase(0))
    assert after < 0.5 * before


@pytest.mark.parametrize("noise_draws", [False, True])
def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path, noise_draws: bool) -> None:
    whole = new_state(CONFIG, phase(0))
    run(tmp_path, whole, 6, noise_draws=noise_draws)
    first = new_state(CONFIG, phase(0))
    run(tmp_path, first, 3, noise_draws=noise_draws)
    save_state(first, tmp_path / "half.pt")
    torch.randn(10)  # the global generator moves on in between
    second = load_state(tmp_path / "half.pt", CONFIG, phase(6))
    run(tmp_path, second, 6, noise_draws=noise_draws)
    for a, b in zip(weights(whole.generator), weights(second.generator), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    for a, b in zip(weights(whole.average), weights(second.average), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_checkpoint_leaves_a_state_a_generator_and_a_sample_sheet(tmp_path: Path) -> None:
    state = new_state(CONFIG, phase(0))
    entries: list[dict[str, float]] = []
    training.checkpoint(state, coloured_pairs(32), phase(1), tmp_path, entries.append)
    assert {p.name for p in tmp_path.iterdir()} == {"state.pt", "generator.safetensors", "sheet-0000000.png"}
    assert json.loads(json.dumps(entries))[0]["held_out_l1"] > 0


def test_the_mapping_learns_w_by_regression() -> None:
    torch.manual_seed(0)
    mapping = Generator(CONFIG).mapping

    def mixed(z: Floats) -> Floats:
        mix = np.random.RandomState(1).randn(16, 16) / 4
        return (z @ mix).astype(np.float32)

    score = teach_mapping(mapping, mixed, 1000, batch=64, learning_rate=0.02, report=lambda *_: None)
    assert float(score.mean()) > 0.8
    assert torch.isfinite(mapping.w_avg).all()


def test_shifting_w_changes_nothing_in_the_picture() -> None:
    torch.manual_seed(0)
    synthesis = Generator(CONFIG).synthesis
    ws = torch.randn(2, synthesis.num_ws, 16)
    before = synthesis(ws)
    shift_w(synthesis, 2.0)
    torch.testing.assert_close(synthesis(ws + 2.0), before, atol=1e-4, rtol=1e-4)


def test_spread_units_each_see_one_coordinate_and_bend_at_their_threshold() -> None:
    config = GeneratorConfig(16, 16, 16, mapping_layers=2, mapping_features=32, channel_base=128)
    mapping = Generator(config).mapping
    spread_thresholds(mapping, plain=range(1, 16), bent=[0])
    first = mapping.get_submodule("fc0")

    def slope(coordinate: int, at: float) -> torch.Tensor:
        z = torch.zeros(2, 16)
        z[:, coordinate] = torch.tensor([at - 0.01, at + 0.01])
        low, high = first(z)
        return ((high - low) / 0.02)[:22]  # type: ignore[no-any-return]

    gain = 2**0.5
    torch.testing.assert_close(slope(3, 0.2), gain * torch.eye(22)[2], atol=1e-2, rtol=0)
    bent = slope(0, 0.7)[15:]  # thresholds -1.6 .. 0.5 are passed, 1.0 and 1.6 are not
    torch.testing.assert_close(bent, gain * torch.tensor([1.0] * 5 + [0.2] * 2), atol=1e-2, rtol=0)
    with pytest.raises(ValueError, match="needs"):
        spread_thresholds(mapping, plain=[], bent=range(16))


def test_the_energy_score_prefers_the_true_spread_to_its_mean() -> None:
    """Pictures that are black or white by chance: drawing so is scored better than always grey."""
    random = torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        coin = torch.randint(0, 2, (2000, 1, 1, 1), generator=random).float() * 2 - 1
        return coin.expand(-1, 3, 8, 8)

    grey = torch.zeros(2000, 3, 8, 8)
    fair = energy_loss(draw(), draw(), draw(), flat, 1.0).mean()
    mean = energy_loss(grey, grey, draw(), flat, 1.0).mean()
    assert fair < 0.75 * mean


def test_the_pair_loss_is_zero_only_at_the_render_itself() -> None:
    x = torch.rand(2, 3, 8, 8) * 2 - 1
    assert pair_loss(x, x, flat, 1.0).abs().max() == 0
    assert pair_loss(x + 0.1, x, flat, 1.0).min() > 0.19


def test_noise_drawn_anew_is_left_to_the_fine_layers() -> None:
    torch.manual_seed(0)
    generator = Generator(CONFIG)
    generator.synthesis.block(4).conv1.noise_strength.data.fill_(0.3)
    training.leave_noise_to_fine_layers(generator, from_resolution=16, strength=0.04)
    ws = torch.randn(1, generator.num_ws, 16)

    def drawn(resolution: int) -> torch.Tensor:
        return generator.synthesis(ws, "random", resolution=resolution)  # type: ignore[no-any-return]

    assert torch.equal(drawn(8), drawn(8))
    assert not torch.equal(drawn(16), drawn(16))
    state = new_state(CONFIG, phase(0))
    training.leave_noise_to_fine_layers(state.generator, from_resolution=16)
    pairs = coloured_pairs(8)
    real = picture_tensor(pairs.pictures, 16)
    training.training_step(
        state, training.latents(state.generator, pairs.z, phase(1)), real, flat, phase(1, noise_draws=True)
    )
    assert float(state.generator.synthesis.block(4).conv1.noise_strength.detach()) == 0


def test_batches_go_on_after_a_resume_as_if_never_interrupted() -> None:
    def take(start: int, count: int) -> list[np.ndarray]:
        stream = batches(10, 3, 4, start)
        return [next(stream) for _ in range(count)]

    for a, b in zip(take(0, 9)[4:], take(4, 5), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(set(np.concatenate(take(0, 3)).tolist())) == 9


def test_shards_are_read_with_the_z_that_their_number_means(tmp_path: Path) -> None:
    x = np.zeros((512, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "00003.npz", x=x, a=np.ones((512, 17), np.float32), lm=np.zeros((512, 4, 2)))
    pairs = load_pairs(tmp_path, range(10))
    np.testing.assert_array_equal(pairs.z, shard_z(3))
    with pytest.raises(FileNotFoundError, match="render some first"):
        load_pairs(tmp_path, range(4, 10))
