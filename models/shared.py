"""Networks in memory by the hash of the file they were made from: files with the same bytes share one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class SharedNetworks:
    """Networks of one device. Holds none itself: one is known for as long as anybody else has it.

    Used by one thread at a time.
    """

    def __init__(self) -> None:
        self._known: WeakValueDictionary[tuple[str, str], nn.Module] = WeakValueDictionary()

    def get_or_load(self, kind: str, sha256: str, load: Callable[[], Network]) -> Network:
        """What load gave for a file of this kind ("generator", ...) and hash, or gives now."""
        network = self._known.get((kind, sha256))
        if network is None:
            network = self._known[kind, sha256] = load()
        return cast(Network, network)
