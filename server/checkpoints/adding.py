"""A checkpoint file made into a bundle of the checkpoints folder, or its flow put into one that is there.

Conversion happens in a hidden folder beside; what the server lists is complete at every moment.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from models.convert import ConvertedFile, convert_checkpoint
from models.manifest import MANIFEST_FILE, BundleFile, Manifest, Source, manifest_json, read_manifest
from models.weights import CheckpointError, read_header, replace_file
from server.checkpoints.folder import FolderError, check_is_bundle, put_in_place, staging
from server.version import product_version

SEEDS = (0, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Texts:
    """What the manifest of a new bundle says beside its files."""

    name: str
    title: str
    description: str
    licence: str
    default_psi: float


@dataclass(frozen=True)
class Original:
    """The file to convert. sha256: what it must still be, of a file that was fetched; else None."""

    path: Path
    name: str
    url: str | None
    sha256: str | None


def add_generator(folder: Path, original: Original, texts: Texts, *, replace: bool) -> Manifest:
    """The bundle folder/<name>. replace: one of that name, with everything in it, makes way for it.

    Raises CheckpointError where the file cannot be used, FolderError where there is such a name already.
    """
    _check_name_is_free(folder, texts.name, replace=replace)
    with staging(folder, texts.name) as work:
        weights = work / "generator.safetensors"
        converted = _convert(original, weights)
        if converted.kind == "flow":
            raise FolderError(f"{original.name} is a flow: say with --to to which bundle it belongs.")
        if converted.kind != "generator":
            raise CheckpointError(f"{original.name} holds a {converted.kind} and no generator.")
        manifest = Manifest(
            name=texts.name,
            title=texts.title,
            description=texts.description,
            licence=texts.licence,
            generator=_entry(weights, original, converted),
            flow=None,
            attributes=None,
            default_psi=texts.default_psi,
            seeds=SEEDS,
        )
        (work / MANIFEST_FILE).write_bytes(manifest_json(manifest))
        put_in_place(folder, work, texts.name)
    return manifest


def add_flow(folder: Path, original: Original, bundle: Path, *, replace: bool) -> Manifest:
    """The flow put into bundle, a bundle folder of folder. replace: instead of the one it has.

    Raises CheckpointError where it cannot be used with this bundle's generator, FolderError.
    """
    _check_has_no_flow(folder, bundle, replace=replace)
    before = read_manifest(bundle)
    with staging(folder, bundle.name) as work:
        weights = work / "flow.safetensors"
        converted = _convert(original, weights)
        if converted.kind != "flow":
            raise FolderError(f"{original.name} is a {converted.kind}, not a flow: add it without --to.")
        dim, w_dim = converted.config["dim"], _w_dim(bundle, before)
        if dim != w_dim:
            raise CheckpointError(
                f"{original.name} is for w of {dim} numbers; those of {before.name} have {w_dim}."
            )
        # A name of its own: until the manifest is replaced, the old one goes on naming the old flow.
        entry = _entry(weights, original, converted)
        entry = dataclasses.replace(entry, file=f"flow-{entry.sha256[:16]}.safetensors")
        weights.replace(bundle / entry.file)
        after = dataclasses.replace(before, flow=entry, layers=None)  # those were the rules of the old flow
        replace_file(bundle / MANIFEST_FILE, manifest_json(after))
    if before.flow is not None and before.flow.file != entry.file:
        (bundle / before.flow.file).unlink(missing_ok=True)
    return after


def check_place(folder: Path, name: str, bundle: Path | None, *, is_flow: bool, replace: bool) -> None:
    """What can be known before a file is fetched: raises as add_flow and add_generator would.

    bundle: of a flow, where it is to be put.
    """
    if is_flow and bundle is None:
        raise FolderError(f"{name} is a flow: say with --to to which bundle it belongs.")
    if not is_flow and bundle is not None:
        raise FolderError(f"{name} is a generator, not a flow: add it without --to.")
    if bundle is None:
        _check_name_is_free(folder, name, replace=replace)
    else:
        _check_has_no_flow(folder, bundle, replace=replace)


def _check_name_is_free(folder: Path, name: str, *, replace: bool) -> None:
    place = folder / name
    if not os.path.lexists(place):
        return
    if not replace:
        raise FolderError(f"{place} is there already; choose another --name, or replace it with --force.")
    check_is_bundle(folder, place)


def _check_has_no_flow(folder: Path, bundle: Path, *, replace: bool) -> None:
    check_is_bundle(folder, bundle)
    if read_manifest(bundle).flow is not None and not replace:
        raise FolderError(f"{bundle.name} has a flow already; replace it with --force.")


def _convert(original: Original, weights: Path) -> ConvertedFile:
    converted = convert_checkpoint(original.path, weights)
    if original.sha256 is not None and converted.sha256 != original.sha256:
        raise CheckpointError(f"{original.name} was changed while it was being converted.")
    return converted


def _entry(weights: Path, original: Original, converted: ConvertedFile) -> BundleFile:
    """What a manifest says of converted weights."""
    source = Source(original.name, converted.sha256, original.url, f"latentloom {product_version()}")
    with weights.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return BundleFile(weights.name, sha256, source, weights.stat().st_size)


def _w_dim(bundle: Path, manifest: Manifest) -> object:
    try:
        return read_header(bundle / manifest.generator.file)[1].get("w_dim")
    except OSError as error:
        raise CheckpointError(f"{manifest.generator.file} of {manifest.name} cannot be read.") from error
