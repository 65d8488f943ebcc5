"""The bundles of a checkpoints folder: loaded, or refused with the reason."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, CheckpointError, load_bundle
from models.manifest import MANIFEST_FILE
from server.engine.interface import RefusedModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedBundles:
    """Usable bundles by name in the order of their folders, and the others."""

    usable: dict[str, Bundle]
    refused: tuple[RefusedModel, ...]


def load_bundles(folder: Path, device: str) -> LoadedBundles:
    """Every folder in folder that has a manifest. One that fails takes no other one down."""
    usable: dict[str, Bundle] = {}
    refused: list[RefusedModel] = []
    for place in sorted(path.parent for path in folder.glob(f"*/{MANIFEST_FILE}")):
        try:
            bundle = _usable_bundle(place, device)
            if bundle.manifest.name in usable:
                raise CheckpointError(f"another bundle is called {bundle.manifest.name} already.")
        except CheckpointError as error:
            log.warning("the bundle %s is refused: %s", place.name, error)
            refused.append(RefusedModel(place.name, str(error)))
        except Exception:
            log.exception("the bundle %s is refused", place.name)
            refused.append(RefusedModel(place.name, "It could not be loaded; the server's log says why."))
        else:
            usable[bundle.manifest.name] = bundle
    return LoadedBundles(usable, tuple(refused))


def _usable_bundle(place: Path, device: str) -> Bundle:
    bundle = load_bundle(place, device)
    generator, flow = bundle.generator, bundle.flow
    if generator.c_dim or generator.img_channels != 3:
        raise CheckpointError("only generators of RGB pictures without class labels can be shown.")
    if flow is not None and flow.config.dim != generator.w_dim:
        raise CheckpointError(f"its flow is for w of {flow.config.dim} numbers, not {generator.w_dim}.")
    return bundle
