"""All figures of one model: distances to real pictures, path length and, for rendered faces, edit truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.faces.factors import Z_DIM
from models.metrics.edit_truth import EditTruth, FlowEdits, edit_truth
from models.metrics.features import FeatureSpace, features_of
from models.metrics.mixing_truth import MixingTruth, mixing_truth
from models.metrics.path_length import sampled_path_length
from models.metrics.picture_sets import generated_pictures, real_pictures
from models.metrics.set_comparison import SetComparison, compare_sets
from models.projection.perceptual import PerceptualDistance
from models.stylegan2.generator import Generator

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, of how much."""


@dataclass(frozen=True)
class EvaluationPlan:
    """How much is measured; a count is what is asked for, the result says what was there."""

    count: int = 10_000  # pictures in each set
    path_pairs: int = 2_000
    edit_faces: int = 64  # for each factor, and for crossovers; 0 where the pictures are not renders
    first_shard: int = 0  # of the folder of rendered faces: the first that training has not seen
    seed: int = 0


@dataclass(frozen=True)
class PathLength:
    """Perceptual path length in w, at path ends."""

    distance: str  # which perceptual distance
    pairs: int
    value: float


@dataclass(frozen=True)
class ModelEvaluation:
    """mixing and edits are None where they were not asked for, edits also for a model without flow."""

    resolution: int
    sets: SetComparison
    path_length: PathLength
    edit_distance: str  # the distance that mixing and edits are measured in
    mixing: MixingTruth | None
    edits: tuple[EditTruth, ...] | None


def evaluate_sets(
    generator: Generator, faces: Path, space: FeatureSpace, plan: EvaluationPlan, report: Report
) -> SetComparison:
    """Fréchet and kernel distance, precision and recall against the pictures of a folder.

    The folder is read for two disjoint sets of real pictures; where it holds fewer than 2 * plan.count, all
    three sets are half of what it holds. Raises FileNotFoundError and ValueError.
    """
    device = generator.w_avg.device
    real_batches = real_pictures(faces, generator.img_resolution, 2 * plan.count, plan.first_shard)
    real = features_of(space, real_batches, device, lambda n: report("real pictures", n, 2 * plan.count))
    count = len(real) // 2
    fake_batches = generated_pictures(generator, count, plan.seed)
    fake = features_of(space, fake_batches, device, lambda n: report("generated pictures", n, count))
    return compare_sets(space.name, fake, real[:count], real[count : 2 * count])


def evaluate_model(
    generator: Generator,
    edits: FlowEdits | None,
    faces: Path,
    space: FeatureSpace,
    perceptual: PerceptualDistance,
    plan: EvaluationPlan,
    report: Report,
) -> ModelEvaluation:
    """Everything; what only rendered faces have a truth for where plan.edit_faces is not 0 and z is theirs,
    and edits where there is a flow besides. Raises as its parts do.
    """
    sets = evaluate_sets(generator, faces, space, plan, report)
    length = sampled_path_length(
        generator,
        perceptual.features,
        plan.path_pairs,
        seed=plan.seed,
        report=lambda n: report("path length", n, plan.path_pairs),
    )
    path = PathLength(perceptual.name, plan.path_pairs, length)
    mixing, truths = None, None
    of_rendered_faces = plan.edit_faces > 0 and generator.z_dim == Z_DIM
    if of_rendered_faces:
        mixing = mixing_truth(generator, perceptual.between, plan.edit_faces, seed=plan.seed)
    if of_rendered_faces and edits is not None:
        found = edit_truth(
            generator,
            edits,
            perceptual.between,
            plan.edit_faces,
            seed=plan.seed,
            report=lambda done, of: report("edits", done, of),
        )
        truths = tuple(found)
    return ModelEvaluation(generator.img_resolution, sets, path, perceptual.name, mixing, truths)
