"""The losses of pairs, and the order in which pairs are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.faces.shards import shard_z
from models.training.losses import Seen, energy_loss, pair_loss, seen, texture_distance
from models.training.pairs import batches, holds_renders, load_pairs, rendered_pictures, split_pairs
from models.training.shard_pictures import ShardPictures, mapped_array


def blocks(x: Tensor) -> list[Tensor]:
    """A level of a network that sees means of 4x4 pixels, 0..255 / 128."""
    return [F.avg_pool2d(x, 4) / 128]


def test_the_energy_score_prefers_the_true_spread_to_its_mean() -> None:
    """Pictures that are black or white by chance: drawing so is scored better than always grey."""
    random = torch.Generator().manual_seed(0)

    def draw() -> Seen:
        coin = torch.randint(0, 2, (2000, 1, 1, 1), generator=random).float() * 2 - 1
        return seen(coin.expand(-1, 3, 8, 8), blocks)

    grey = seen(torch.zeros(2000, 3, 8, 8), blocks)
    fair = energy_loss(draw(), draw(), draw(), 1.0).mean()
    mean = energy_loss(grey, grey, draw(), 1.0).mean()
    assert fair < 0.75 * mean


def test_the_pair_loss_is_zero_only_at_the_render_itself() -> None:
    x = torch.rand(2, 3, 8, 8) * 2 - 1
    render, brighter = seen(x, blocks), seen(x + 0.1, blocks)
    assert pair_loss(render, render, 1.0).abs().max() == 0
    assert pair_loss(brighter, render, 1.0).min() > 0.19


def test_the_pair_loss_adds_pixels_and_features_as_weighted() -> None:
    """Grey against white: 2 * 1 of pixels, and three channels that differ by 127.5 / 128 everywhere."""
    grey, white = seen(torch.zeros(1, 3, 8, 8), blocks), seen(torch.ones(1, 3, 8, 8), blocks)
    assert float(pair_loss(grey, white, 0.5)) == pytest.approx(2 + 0.5 * 3 * (127.5 / 128) ** 2)


def test_the_texture_distance_is_the_difference_of_the_spreads_in_every_window() -> None:
    """Two channels, one window of 8x8: stripes of 1 and 3 deviate by 1, one colour by nothing."""
    stripes = torch.ones(1, 2, 8, 8)
    stripes[..., ::2] = 3
    flat = torch.full((1, 2, 8, 8), 2.0)
    a, b = Seen(torch.zeros(1, 3, 16, 16), [stripes]), Seen(torch.zeros(1, 3, 16, 16), [flat])
    assert float(texture_distance(a, b)) == pytest.approx(2.0, rel=1e-2)


def test_the_texture_distance_asks_for_detail_and_not_for_its_place() -> None:
    """Noise that is moved by a pixel is as good as in place; a blur, nearer pixel by pixel, is not."""
    real = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    moved, blurred = real.roll(1, dims=3), F.avg_pool2d(real, 3, stride=1, padding=1)
    look = [Seen(torch.zeros(1, 3, 128, 128), [x]) for x in (real, moved, blurred)]
    assert (moved - real).square().mean() > (blurred - real).square().mean()
    assert texture_distance(look[1], look[0]) < 0.05 * texture_distance(look[2], look[0])


def test_the_texture_distance_has_a_finite_gradient_where_all_is_one_colour() -> None:
    plain = torch.zeros(1, 2, 8, 8, requires_grad=True)
    noisy = torch.randn(1, 2, 8, 8)
    pictures = torch.zeros(1, 3, 16, 16)
    texture_distance(Seen(pictures, [plain]), Seen(pictures, [noisy])).sum().backward()
    assert plain.grad is not None and plain.grad.isfinite().all()


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
    assert [len(pictures) for pictures in rendered_pictures(tmp_path, 3)] == [512]
    assert holds_renders(tmp_path) and not holds_renders(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="render some first"):
        load_pairs(tmp_path, range(4, 10))
    with pytest.raises(FileNotFoundError, match="from shard 4 on"):
        next(rendered_pictures(tmp_path, 4))
    with pytest.raises(
        FileNotFoundError, match="has 1 shards of rendered faces, and the first 1 are not trained on"
    ):
        split_pairs(tmp_path, 1)
    np.savez(tmp_path / "50000.npz", x=x, a=np.ones((512, 17), np.float32), lm=np.zeros((512, 4, 2)))
    seen, unseen = split_pairs(tmp_path, 1)
    np.testing.assert_array_equal(seen.z, shard_z(50000))
    np.testing.assert_array_equal(unseen.z, shard_z(3))


def test_the_pictures_of_many_shards_are_one_array_that_stays_on_disk(tmp_path: Path) -> None:
    files, arrays = [tmp_path / f"{i}.npz" for i in range(3)], []
    for i, path in enumerate(files):
        arrays.append(np.random.RandomState(i).randint(0, 255, (4 + i, 6, 6, 3), dtype=np.uint8))
        np.savez(path, a=np.ones(5), x=arrays[-1])
    pictures, whole = ShardPictures(files), np.concatenate(arrays)
    assert pictures.shape == whole.shape == (15, 6, 6, 3) and len(pictures) == 15
    index = np.array([0, 3, 4, 8, 9, 14, 2])
    np.testing.assert_array_equal(pictures[index], whole[index])
    np.testing.assert_array_equal(pictures[2:13:3], whole[2:13:3])
    np.testing.assert_array_equal(pictures[:], whole)
    assert isinstance(mapped_array(files[0], "x"), np.memmap)


def test_shards_that_are_not_as_they_should_be_are_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    x = np.zeros((4, 6, 6, 3), np.uint8)
    np.savez(good, x=x)

    def refused(message: str) -> None:
        with pytest.raises(ValueError, match=f"bad.npz {message}"):
            ShardPictures([good, bad])

    np.savez_compressed(bad, x=x)
    refused("is damaged, compressed")
    np.savez(bad, x=np.zeros((4, 8, 8, 3), np.uint8))
    refused("does not hold pictures of the size")
    np.savez(bad, x=x.astype(np.float32))
    refused("does not hold pictures")
    np.savez(bad, y=x)
    refused("is damaged, compressed or holds no x")
    np.savez(bad, x=np.array([{"a": 1}], dtype=object))
    refused("holds something else than rows of numbers")
    bad.write_bytes(good.read_bytes()[:300])
    refused("is damaged")
    bad.write_bytes(b"")
    refused("is damaged")
