"""From an entry of the catalogue to a bundle in memory: the bytes that are used are those that were hashed.

They are read, not mapped: a mapped file that is overwritten in place would change the network under way, and
one that is cut short would end the process.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, load_bundle
from models.editing.errors import FlowDoesNotFit
from models.editing.targets import check_flow_fits
from models.shared import SharedNetworks
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.native.entry import prepare
from models.weights import CheckpointError, read_file
from server.engine.catalogue import Entry, Place, described_weights, named, place_at
from server.engine.description import check_showable, file_manifest
from server.engine.interface import ModelDescription

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle, and what it says of itself."""

    bundle: Bundle
    description: ModelDescription


def place_to_load(entry: Entry) -> Place:
    """The place of a usable entry as it is now, which may be newer than the entry.

    Converted weights stay those of the original that was there.
    """
    is_own = entry.weights == entry.place.path
    return (place_at(entry.place.path) if is_own else None) or entry.place


def load_entry(entry: Entry, place: Place, device: str, networks: SharedNetworks) -> LoadedBundle:
    """Read an entry's weights. place: what place_to_load says of it.

    Raises CheckpointError; MemoryError, RuntimeError or torch.OutOfMemoryError where there is no room for it.
    """
    assert entry.weights is not None
    now = named(described_weights(entry.name, place, entry.weights), entry.name)
    if now.description is None:
        raise CheckpointError(now.reason)
    if entry.weights.is_dir():
        bundle = load_bundle(entry.weights, device, networks)
    else:
        bundle = _load_file(entry.weights, entry.place.path.name, device, networks)
    _check_fits(bundle, now.description)
    used = prepare(bundle.generator.synthesis)  # here, so that the first slider does not wait for it
    log.info("%s: pictures by %s (%s)", entry.name, used.name, used.detail)
    return LoadedBundle(bundle, now.description)


def _load_file(weights: Path, source: str, device: str, networks: SharedNetworks) -> Bundle:
    """A bundle of a generator alone."""
    try:
        data = read_file(weights)
    except OSError as error:
        raise CheckpointError(f"{source} cannot be read: {error.strerror}.") from error
    sha256 = hashlib.sha256(data).hexdigest()
    generator = networks.get_or_load("generator", sha256, lambda: load_generator(data, device))
    return Bundle(file_manifest(source, sha256), generator, None, None)


def _check_fits(bundle: Bundle, description: ModelDescription) -> None:
    """Between the look at its headers and reading it, a place may have become another one."""
    config, flow = bundle.generator.config, bundle.flow
    check_showable(config)
    if flow is not None:
        try:
            check_flow_fits(flow, bundle.generator)
        except FlowDoesNotFit as error:
            raise CheckpointError(str(error)) from error
    seen = (description.img_resolution, description.img_channels)
    found = (config.img_resolution, config.img_channels)
    parts = (bool(description.attributes), description.measurable)
    if parts != (flow is not None, bundle.estimator is not None) or seen != found:
        raise CheckpointError("It was changed while it was being loaded.")
