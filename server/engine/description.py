"""What a model is, read from its manifest and the headers of its weight files; no tensor is loaded."""

from __future__ import annotations

from pathlib import Path

from models.attributes.estimator import FORMAT as ESTIMATOR_FORMAT
from models.manifest import BundleFile, Manifest, read_manifest
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.checkpoint import FORMAT as FLOW_FORMAT
from models.stylegan2.checkpoint import DISCRIMINATOR_FORMAT, GENERATOR_FORMAT
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.validation import parse_generator_config
from models.weights import MAX_FILE_BYTES, CheckpointError, read_header
from server.engine.interface import AttributeDescription, ModelDescription

DEFAULT_PSI = 0.7
# Up to 8x8 the head, up to 32x32 its features, then colour and detail (StyleGAN, section 3.1).
MIX_BORDERS = (4, 8)
NOT_GENERATORS = {
    FLOW_FORMAT: "This is a flow: attach it to a model with `latentloom checkpoints add … --to …`.",
    ESTIMATOR_FORMAT: "This is an attribute estimator, which belongs into the bundle of a model.",
    DISCRIMINATOR_FORMAT: "This is a discriminator, which makes no pictures.",
}


def describe_bundle(folder: Path) -> ModelDescription:
    """Raises CheckpointError where the manifest or a header is missing, damaged or does not fit."""
    manifest = read_manifest(folder)
    config = _generator_config(*_part_header(folder, manifest.generator))
    if manifest.flow is not None:
        _check_flow(*_part_header(folder, manifest.flow), config)
    if manifest.attributes is not None:
        _part_header(folder, manifest.attributes)
    return _description(manifest, config)


def describe_file(weights: Path, source: str) -> ModelDescription:
    """A generator in a file of its own; source is the name of the file that the user put there.

    Raises CheckpointError.
    """
    config = _generator_config(*_header(weights, source))
    return _description(file_manifest(source, sha256=""), config)


def file_manifest(source: str, sha256: str) -> Manifest:
    """The manifest that a generator in a file of its own would have, were it a bundle."""
    return Manifest(
        name="",
        title=Path(source).stem,
        description=f"The generator in {source}.",
        licence="",
        generator=BundleFile(source, sha256),
        flow=None,
        attributes=None,
        default_psi=DEFAULT_PSI,
        seeds=(),
    )


def check_showable(config: GeneratorConfig) -> None:
    """Raises CheckpointError for a generator whose pictures the page has no way to ask for or to show."""
    if config.c_dim:
        raise CheckpointError(
            f"This generator needs one of {config.c_dim} class labels; only those without can be shown."
        )
    if config.img_channels not in (1, 3):
        raise CheckpointError(
            f"This generator's pictures have {config.img_channels} channels; only RGB and grey can be shown."
        )


def _mix_borders(manifest: Manifest, num_ws: int) -> tuple[int, int]:
    middle, fine = manifest.mix_borders or MIX_BORDERS
    return min(middle, num_ws), min(fine, num_ws)


def _description(manifest: Manifest, config: GeneratorConfig) -> ModelDescription:
    attributes = tuple(
        AttributeDescription(a.name, a.label, a.group, a.minimum, a.maximum, a.step, a.unit, a.shown)
        for a in ATTRIBUTES
    )
    num_ws = 2 * len(config.resolutions)
    return ModelDescription(
        name=manifest.name,
        title=manifest.title,
        description=manifest.description,
        licence=manifest.licence,
        img_resolution=config.img_resolution,
        img_channels=config.img_channels,
        num_ws=num_ws,
        resolutions=config.resolutions,
        default_psi=manifest.default_psi,
        seeds=manifest.seeds,
        encoder=manifest.encoder is not None,
        measurable=manifest.attributes is not None,
        mix_borders=_mix_borders(manifest, num_ws),
        attributes=attributes if manifest.flow is not None else (),
    )


def _part_header(folder: Path, entry: BundleFile) -> tuple[str, dict[str, object]]:
    try:
        return _header(folder / entry.file, entry.file)
    except CheckpointError as error:
        raise CheckpointError(f"{entry.file}: {error}") from error


def _header(path: Path, shown: str) -> tuple[str, dict[str, object]]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:  # it would be read whole
            raise CheckpointError(f"It is larger than {MAX_FILE_BYTES >> 30} GiB, which no checkpoint is.")
        if not path.is_file():  # opening a pipe would wait for ever
            raise CheckpointError("It is not a file.")
        return read_header(path)
    except OSError as error:
        raise CheckpointError(f"{shown} cannot be read: {error.strerror}.") from error


def _generator_config(kind: str, values: dict[str, object]) -> GeneratorConfig:
    if kind != GENERATOR_FORMAT:
        raise CheckpointError(NOT_GENERATORS.get(kind, "This file holds no generator."))
    config = parse_generator_config(values)
    check_showable(config)
    return config


def _check_flow(kind: str, values: dict[str, object], config: GeneratorConfig) -> None:
    if kind != FLOW_FORMAT:
        raise CheckpointError("The file that its manifest names as its flow is none.")
    dim, context = values.get("dim"), values.get("context_dim", len(ATTRIBUTES))
    if dim != config.w_dim:
        shown = dim if isinstance(dim, int) else "unknown many"
        raise CheckpointError(
            f"Its flow works on rows of {shown} numbers, the generator's rows have {config.w_dim}."
        )
    if context != len(ATTRIBUTES):
        shown = context if isinstance(context, int) else "unknown many"
        raise CheckpointError(f"Its flow takes {shown} attributes, editing needs {len(ATTRIBUTES)}.")
