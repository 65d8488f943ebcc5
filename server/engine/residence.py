"""The models in memory, within a budget of bytes: what was not used for longest leaves first."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from models.stylegan2.native.entry import packed_bytes
from server.engine.catalogue import Place
from server.engine.interface import ModelDescription
from server.engine.worker import ModelWorker

log = logging.getLogger(__name__)


@dataclass(eq=False)
class ResidentModel:
    """A loaded model. users: renders and projections under way with it, during which it stays."""

    description: ModelDescription
    place: Place
    worker: ModelWorker
    users: int = field(default=0, init=False)
    networks: dict[nn.Module, int] = field(init=False)  # and the bytes of each

    def __post_init__(self) -> None:
        bundle = self.worker.bundle
        parts = (bundle.generator, bundle.flow, bundle.estimator)
        self.networks = {part: _size(part) for part in parts if part is not None}
        self.networks[bundle.generator] += packed_bytes(bundle.generator.synthesis)


class ResidentModels:
    """Used by one thread only. A network that several models share counts once."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._models: OrderedDict[str, ResidentModel] = OrderedDict()  # the one used last is last

    def __iter__(self) -> Iterator[ResidentModel]:
        return iter(list(self._models.values()))

    def find(self, name: str) -> ResidentModel | None:
        """The model of that name. Looking for it is no use of it."""
        return self._models.get(name)

    def use(self, name: str) -> ResidentModel | None:
        """The model of that name, which is now the one used last."""
        if name in self._models:
            self._models.move_to_end(name)
        return self._models.get(name)

    def add(self, model: ResidentModel) -> None:
        """Take it in as the one used last, and let others leave where the budget asks for it."""
        self._models[model.description.name] = model
        self._models.move_to_end(model.description.name)
        self.make_room()

    def drop(self, name: str) -> None:
        """Forget it. Whoever still uses it keeps it until they are done."""
        self._models.pop(name, None)

    def make_room(self) -> None:
        """Let models leave that nobody uses, until the budget is kept. The one used last stays in any case,
        so that a model larger than the budget can be used alone; of those that were tuned, one stays of each.
        """
        for name, model in list(self._models.items())[:-1]:
            if self.bytes() <= self.budget_bytes:
                return
            if not model.users:
                log.info("the model %s leaves the memory", name)
                self.drop(name)
        if self.bytes() > self.budget_bytes:
            for model in self:
                model.worker.forget_tuned()

    def bytes(self) -> int:
        """Of all their parameters and buffers, of the forms in which kernels keep weights once more, and of
        the generators that were tuned for single faces.
        """
        sizes: dict[nn.Module, int] = {}
        for model in self:
            sizes |= model.networks
        return sum(sizes.values()) + sum(model.worker.tuned_bytes for model in self)


def _size(network: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
