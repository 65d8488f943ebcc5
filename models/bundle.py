"""Bundles: a folder with a model's networks (generator, flow, attribute estimator, encoder) and manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from models.projection.encoder import Encoder, load_encoder
from models.shared import Network, SharedNetworks
from models.styleflow.flow import ConditionalFlow, load_flow
from models.stylegan2.checkpoint import CheckpointError, load_generator
from models.stylegan2.generator import Generator
from models.weights import replace_file

__all__ = ["Bundle", "BundleFile", "CheckpointError", "Manifest", "load_bundle", "write_bundle"]


@dataclass(frozen=True)
class Bundle:
    """A model that is ready to use."""

    manifest: Manifest
    generator: Generator
    flow: ConditionalFlow | None
    estimator: AttributeEstimator | None
    encoder: Encoder | None = None


def load_bundle(folder: str | Path, device: str = "cpu", networks: SharedNetworks | None = None) -> Bundle:
    """Every file is read once, and its sha256 checked on the bytes that are then loaded.

    networks: where it has one of the same bytes, that one is taken, and no second one is made. Raises
    CheckpointError.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    shared = networks or SharedNetworks()

    def load(kind: str, entry: BundleFile, read: Callable[[bytes, str], Network]) -> Network:
        try:
            data = read_verified(folder, entry)
            return shared.get_or_load(kind, entry.sha256, lambda: read(data, device))
        except CheckpointError as error:
            raise CheckpointError(f"Bundle {manifest.name}, {entry.file}: {error}") from error

    flow, attributes, encoder = manifest.flow, manifest.attributes, manifest.encoder
    return Bundle(
        manifest=manifest,
        generator=load("generator", manifest.generator, load_generator),
        flow=load("flow", flow, load_flow) if flow else None,
        estimator=load("attributes", attributes, load_estimator) if attributes else None,
        encoder=load("encoder", encoder, load_encoder) if encoder else None,
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
    encoder: Path | None = None,
    default_psi: float = 0.7,
    seeds: Sequence[int] = (),
    layers: Mapping[str, Sequence[int]] | None = None,
    mix_borders: tuple[int, int] | None = None,
    gallery: Mapping[int, bytes] | None = None,
    training: Sequence[Mapping[str, str | int]] = (),
) -> Manifest:
    """Copy the weight files into folder as generator.safetensors, flow.safetensors, attributes.safetensors
    and encoder.safetensors, and write the manifest last, so that a reader never sees half a bundle.

    gallery: JPEG files of seeds. Each weight file is loaded first: what cannot be used is not written. Raises
    CheckpointError.
    """
    folder = Path(folder)
    files: dict[str, bytes] = {}
    entries: dict[str, dict[str, str | int]] = {}
    for part, path, read in (
        ("generator", generator, load_generator),
        ("flow", flow, load_flow),
        ("attributes", attributes, load_estimator),
        ("encoder", encoder, load_encoder),
    ):
        if path is None:
            continue
        data = path.read_bytes()
        read(data, "cpu")
        files[f"{part}.safetensors"] = data
        entries[part] = {**_entry(f"{part}.safetensors", data), "size": len(data)}
    pictures = []
    for seed, data in (gallery or {}).items():
        files[f"seed-{seed}.jpg"] = data
        pictures.append({"seed": seed, **_entry(f"seed-{seed}.jpg", data)})
    manifest = parse_manifest(
        {
            "name": name,
            "title": title,
            "description": description,
            "licence": licence,
            "default_psi": default_psi,
            "seeds": list(seeds),
            "layers": None if layers is None else {name: list(rows) for name, rows in layers.items()},
            "mix_borders": mix_borders,
            "gallery": pictures,
            "training": [dict(entry) for entry in training],
            **entries,
        }
    )
    for file, data in files.items():
        replace_file(folder / file, data)
    replace_file(folder / MANIFEST_FILE, manifest_json(manifest))
    return manifest


def _entry(file: str, data: bytes) -> dict[str, str | int]:
    return {"file": file, "sha256": hashlib.sha256(data).hexdigest()}
