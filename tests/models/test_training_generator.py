"""Training a generator: it learns, any interruption leads to the same weights, phases do what they say."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.faces.mapping.units import AffineLayer
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.training.generator import Material, begin_phase, finish_phase, train_generator
from models.training.generator_state import TrainingState, load_state, new_state
from models.training.journal import Journal
from models.training.pair_steps import wake_fine_noise
from models.training.phases import AdversarialPhase, Adversary, MappingLesson, PairPhase, Phase, Recipe
from models.training.recipes import adversarial_recipe, generator_config, pairs_recipe, sharpened_recipe
from models.training.teacher import Floats, Teacher
from models.training.watch import Watch

CONFIG = GeneratorConfig(16, 16, 16, mapping_layers=2, mapping_features=64, channel_base=128, channel_max=16)
GAME = Adversary(
    weight=0.1, channel_base=128, channel_max=8, r1_interval=2, ada_target=0.6, ada_full_scale=500
)
LESSON = MappingLesson("mapping", 4, batch=16)
HALF = PairPhase("half", 8, 4, batch=8)
FULL = replace(HALF, name="full", resolution=16)
NOISE = replace(FULL, name="noise", score="energy")
SHARP = replace(NOISE, name="sharp", adversary=GAME)
GAMES = (
    AdversarialPhase("level 8", 8, 5, batch=8, adversary=GAME),
    AdversarialPhase("level 16", 16, 5, batch=8, adversary=GAME),
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks of this size only lose time to more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def blocks(x: Tensor) -> list[Tensor]:
    return [torch.nn.functional.avg_pool2d(x, 4) / 128]


def teacher() -> Teacher:
    """w is a rotation of z; mixed faces get the w of others in the second half of the layers."""
    rotation = np.linalg.qr(np.random.RandomState(1).randn(16, 16))[0].astype(np.float32)

    def target(z: Floats) -> Floats:
        return (z @ rotation).astype(np.float32)

    def mixed(z: Floats, num_ws: int, share: float, random: np.random.RandomState) -> Floats:
        ws = np.repeat(target(z)[:, None], num_ws, axis=1)
        other = target(random.randn(*z.shape).astype(np.float32))[:, None]
        chosen = random.rand(len(z), 1, 1) < share
        ws[:, num_ws // 2 :] = np.where(chosen, other, ws[:, num_ws // 2 :])
        return ws

    def layers(width: int, offset: float) -> list[AffineLayer]:
        random = np.random.RandomState(2)
        hidden = (random.randn(width, 16) / 4).astype(np.float32), np.zeros(width, np.float32)
        last = (random.randn(16, width) / 8).astype(np.float32), np.full(16, offset, np.float32)
        return [hidden, last]

    return Teacher(target, mixed, layers)


def material(count: int = 64) -> Material:
    """Pictures of one colour that z decides."""
    z = np.random.RandomState(0).randn(count, 16).astype(np.float32)
    colour = np.clip(128 + 60 * z[:, :3], 0, 255).astype(np.uint8)
    pictures = np.broadcast_to(colour[:, None, None], (count, 16, 16, 3)).copy()
    return Material(pictures, z, pictures[:32], z[:32], teacher(), blocks)


def recipe(*phases: Phase) -> Recipe:
    return Recipe("test", CONFIG, phases)


def watch(stop_at: int | None = None) -> Watch:
    """Stops before the step of that number, counted from now."""
    steps = iter(range(10_000))
    return Watch(log_every=0, should_stop=lambda: stop_at is not None and next(steps) >= stop_at)


def train(folder: Path, plan: Recipe, stop_at: int | None = None) -> TrainingState:
    """Start the run of the folder or go on with it."""
    saved = folder / "state.pt"
    state = load_state(saved, plan) if saved.exists() else new_state(plan)
    done = train_generator(state, material(), folder, watch(stop_at))
    assert done is (stop_at is None)
    return state


def weights(state: TrainingState) -> dict[str, Tensor]:
    parts = {"generator": state.generator, "average": state.average, "discriminator": state.discriminator}
    return {
        f"{part}.{name}": value.detach().clone()
        for part, network in parts.items()
        if network is not None
        for name, value in network.state_dict().items()
    }


def error(state: TrainingState) -> float:
    data = material(128)
    assert data.z is not None and data.pictures is not None
    ws = state.average.mapping(torch.from_numpy(data.z[64:]))
    real = torch.from_numpy(data.pictures[64:]).permute(0, 3, 1, 2) / 127.5 - 1
    return float((state.average.synthesis(ws) - real).abs().mean())


def test_synthesis_learns_the_picture_of_z_and_the_mapping_stays_as_its_lesson_left_it(
    tmp_path: Path,
) -> None:
    lesson = MappingLesson("mapping", 400, batch=64, learning_rate=3.5e-2)
    plan = recipe(lesson, replace(FULL, steps=120, learning_rate=4e-3, mixing=0.0))
    train(tmp_path, plan, stop_at=400)
    taught = load_state(tmp_path / "state.pt", plan)
    state = train(tmp_path, plan)
    assert error(state) < 0.5 * error(taught)
    for network, before in ((state.generator, taught.generator), (state.average, taught.average)):
        for name, value in network.mapping.named_parameters():
            assert torch.equal(value, before.mapping.get_parameter(name)), name


ALL_PAIR_PHASES = (LESSON, HALF, FULL, NOISE, SHARP)


@pytest.mark.parametrize(
    ("phases", "stops"),
    [(ALL_PAIR_PHASES, (2, 2, 3, 1, 2, 4, 3)), (GAMES, (3, 2, 1, 2))],
    ids=["pairs", "adversarial"],
)
def test_an_interrupted_run_ends_with_the_same_weights(
    tmp_path: Path, phases: tuple[Phase, ...], stops: tuple[int, ...]
) -> None:
    """Stops in the middle of phases, at their borders, and while optimisers and augmentation remember."""
    whole = train(tmp_path / "whole", recipe(*phases))
    for stop in stops:
        torch.randn(10)  # the global random numbers move on in between
        train(tmp_path / "parts", recipe(*phases), stop)
    parts = train(tmp_path / "parts", recipe(*phases))
    assert (parts.phase, parts.step, parts.pictures) == (len(phases), 0, whole.pictures)
    assert vars(parts.augmentation) == vars(whole.augmentation)
    assert parts.path_length == whole.path_length
    expected = weights(whole)
    for name, value in weights(parts).items():
        assert torch.equal(value, expected[name]), name


def test_a_killed_run_goes_on_from_its_last_save(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", recipe(FULL))
    train(tmp_path / "killed", recipe(FULL), stop_at=1)
    saved = (tmp_path / "killed" / "state.pt").read_bytes()
    train(tmp_path / "killed", recipe(FULL), stop_at=2)
    (tmp_path / "killed" / "state.pt").write_bytes(saved)  # what it did since is lost
    again = train(tmp_path / "killed", recipe(FULL))
    assert all(torch.equal(value, weights(whole)[name]) for name, value in weights(again).items())


def test_training_leaves_the_callers_random_numbers_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    train(tmp_path, recipe(NOISE, GAMES[1]))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_run_leaves_state_generator_sheets_and_log(tmp_path: Path) -> None:
    state = train(tmp_path, recipe(LESSON, HALF, FULL))
    assert {p.name for p in tmp_path.glob("sheet-*.png")} == {"sheet-0000008.png", "sheet-0000012.png"}
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert [line["phase"] for line in lines if "mapping_r2" in line] == ["mapping"]
    assert [line["step"] for line in lines if "held_out_l1" in line] == [8, 12]
    saved = load_generator(tmp_path / "generator.safetensors")
    torch.testing.assert_close(saved.w_avg, state.average.w_avg, atol=1e-3, rtol=1e-3)
    assert saved.w_avg.abs().max() > 0


def test_steps_may_be_added_and_phases_appended_but_nothing_else_changed(tmp_path: Path) -> None:
    train(tmp_path, recipe(HALF, FULL), stop_at=6)
    more = recipe(HALF, replace(FULL, steps=6), NOISE)
    whole = train(tmp_path / "whole", more)
    assert all(torch.equal(v, weights(whole)[n]) for n, v in weights(train(tmp_path, more)).items())
    for wrong, message in (
        (recipe(replace(HALF, batch=4), *more.phases[1:]), "'half' of this run had other settings"),
        (replace(more, seed=1), "another seed"),
        (replace(more, config=replace(CONFIG, channel_max=8)), "another config"),
        (recipe(HALF), "more phases"),
    ):
        with pytest.raises(ValueError, match=message):
            train(tmp_path, wrong)


def test_the_steps_of_a_lesson_in_progress_cannot_change(tmp_path: Path) -> None:
    train(tmp_path, recipe(LESSON), stop_at=2)
    with pytest.raises(ValueError, match="'mapping' of this run had other settings"):
        train(tmp_path, recipe(replace(LESSON, steps=8)))


def test_a_state_file_is_never_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "state.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="damaged or not the state"):
        train(tmp_path, recipe(HALF))
    assert not (tmp_path / "sprung").exists()


def test_after_the_lesson_synthesis_expects_the_offset_w(tmp_path: Path) -> None:
    state = new_state(recipe(LESSON, HALF))
    ws = torch.randn(2, state.generator.num_ws, 16)
    before = state.generator.synthesis(ws).detach()
    begin_phase(state, material())
    with Journal(tmp_path) as journal:
        finish_phase(state, material(), journal)
    for generator in (state.generator, state.average):
        torch.testing.assert_close(generator.synthesis(ws + 2.0), before, atol=1e-4, rtol=1e-4)


def test_a_lesson_comes_first_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="comes first"):
        recipe(HALF, LESSON)


def test_fine_noise_is_woken_before_it_is_drawn_anew_and_coarse_noise_is_not() -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(8, 8, 64, mapping_layers=1, channel_base=256, channel_max=8))
    wake_fine_noise(generator)
    ws = torch.randn(1, generator.num_ws, 8)

    def drawn(resolution: int) -> Tensor:
        return generator.synthesis(ws, "random", resolution=resolution)  # type: ignore[no-any-return]

    assert torch.equal(drawn(32), drawn(32))
    assert not torch.equal(drawn(64), drawn(64))


def test_coarse_noise_stays_silent_in_all_phases_of_pairs(tmp_path: Path) -> None:
    state = train(tmp_path, recipe(HALF, FULL, NOISE, SHARP))
    for generator in (state.generator, state.average):
        strengths = [v for n, v in generator.synthesis.named_parameters() if n.endswith("noise_strength")]
        assert all(float(strength.detach()) == 0 for strength in strengths)


def test_a_phase_may_keep_a_part_of_the_noise_that_it_learned(tmp_path: Path) -> None:
    state = new_state(recipe(replace(HALF, noise_kept=0.25)))
    state.average.synthesis.block(8).conv1.noise_strength.fill_(0.4)
    with Journal(tmp_path) as journal:
        finish_phase(state, material(), journal)
    assert state.average.synthesis.block(8).conv1.noise_strength.item() == pytest.approx(0.1)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    state = new_state(recipe(FULL))
    with torch.no_grad():
        state.generator.synthesis.block(4).const.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 0 of phase 'full'"):
        train_generator(state, material(), tmp_path, watch())


def test_photographs_cannot_be_learned_as_pairs(tmp_path: Path) -> None:
    photographs = Material(material().pictures)
    with pytest.raises(ValueError, match="needs the z of every picture"):
        train_generator(new_state(recipe(FULL)), photographs, tmp_path, watch())


def test_the_recipes_spend_the_pictures_they_are_given() -> None:
    config = generator_config(128)
    pairs = pairs_recipe(config, 144_000, batch=8)
    shown = [phase.steps * phase.batch for phase in pairs.phases if isinstance(phase, PairPhase)]
    assert [phase.name for phase in pairs.phases] == [
        "mapping",
        "half size",
        "full size",
        "smaller steps",
        "noise",
        "texture",
    ]
    assert shown == [64_000, 48_000, 16_000, 8_000, 8_000]
    sharpened = sharpened_recipe(config, 144_000)
    assert sharpened.phases[:-1] == pairs.phases and sharpened.phases[-1].steps * 8 == 8_000
    game = adversarial_recipe(config, 320_000, batch=32)
    assert [(p.resolution, p.steps * 32) for p in game.phases if isinstance(p, AdversarialPhase)] == [
        (32, 32_000),
        (64, 32_000),
        (128, 256_000),
    ]
    assert pairs_recipe(generator_config(32), 800).phases[1].name == "full size"
