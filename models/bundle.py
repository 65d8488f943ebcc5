"""Bundles: a folder with everything of one model (generator, flow, attribute estimator) and its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from models.attributes.estimator import AttributeEstimator, load_estimator
from models.manifest import (
    MANIFEST_FILE,
    BundleFile,
    Manifest,
    manifest_json,
    parse_manifest,
    read_manifest,
    read_verified,
)
from models.styleflow.flow import ConditionalFlow, load_flow
from models.stylegan2.checkpoint import CheckpointError, load_generator
from models.stylegan2.generator import Generator
from models.weights import replace_file

__all__ = ["Bundle", "BundleFile", "CheckpointError", "Manifest", "load_bundle", "write_bundle"]

Network = TypeVar("Network")


@dataclass(frozen=True)
class Bundle:
    """A model that is ready to use."""

    manifest: Manifest
    generator: Generator
    flow: ConditionalFlow | None
    estimator: AttributeEstimator | None


def load_bundle(folder: str | Path, device: str = "cpu") -> Bundle:
    """Every file is read once, and its sha256 checked on the bytes that are then loaded.

    Raises CheckpointError.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)

    def load(entry: BundleFile, read: Callable[[bytes, str], Network]) -> Network:
        try:
            return read(read_verified(folder, entry), device)
        except CheckpointError as error:
            raise CheckpointError(f"Bundle {manifest.name}, {entry.file}: {error}") from error

    return Bundle(
        manifest=manifest,
        generator=load(manifest.generator, load_generator),
        flow=load(manifest.flow, load_flow) if manifest.flow else None,
        estimator=load(manifest.attributes, load_estimator) if manifest.attributes else None,
    )


def write_bundle(
    folder: str | Path,
    *,
    name: str,
    title: str,
    description: str,
    licence: str,
    generator: Path,
    flow: Path | None = None,
    attributes: Path | None = None,
    default_psi: float = 0.7,
    seeds: Sequence[int] = (),
) -> Manifest:
    """Copy the weight files into folder as generator.safetensors, flow.safetensors and
    attributes.safetensors, and write the manifest last, so that a reader never sees half a bundle.

    Each file is loaded first: what cannot be used is not written. Raises CheckpointError.
    """
    folder = Path(folder)
    files: dict[str, bytes] = {}
    entries: dict[str, dict[str, str]] = {}
    for part, path, read in (
        ("generator", generator, load_generator),
        ("flow", flow, load_flow),
        ("attributes", attributes, load_estimator),
    ):
        if path is None:
            continue
        data = path.read_bytes()
        read(data, "cpu")
        files[part] = data
        entries[part] = {"file": f"{part}.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    manifest = parse_manifest(
        {
            "name": name,
            "title": title,
            "description": description,
            "licence": licence,
            "default_psi": default_psi,
            "seeds": list(seeds),
            **entries,
        }
    )
    for part, data in files.items():
        replace_file(folder / entries[part]["file"], data)
    replace_file(folder / MANIFEST_FILE, manifest_json(manifest))
    return manifest
