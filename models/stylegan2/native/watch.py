"""The tensors of a network: whether they have changed, and what was made of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from models.stylegan2.native.machine import Machine

_Value = TypeVar("_Value")
_SAMPLED = 16  # numbers of a tensor that are compared one by one


class Watched:
    """A network's modules and tensors, and what was derived from each tensor until it changes.

    PyTorch counts changes in place, and another tensor has another address. Changes through `.data` or NumPy
    are not counted; they are found where they touch one of the numbers compared here, as an optimiser's step,
    an average or a copy does. Looking takes some tenths of a millisecond, before every picture.
    """

    def __init__(self, network: nn.Module) -> None:
        self.lock = threading.Lock()  # held by whoever looks, or uses what was derived
        self._root = network._modules  # not the network itself, which would then live as long as this
        self.changes = 0  # how often something had changed
        self.facts: dict[object, object] = {}  # what others found out about the network, until it changes
        self._derived: dict[tuple[nn.Module, str], _Derived] = {}
        self._look_around()

    def _look_around(self) -> None:
        """Take stock of modules and tensors."""
        self.modules = [
            module for child in self._root.values() if child is not None for module in child.modules()
        ]
        self._branches = [self._root, *(module._modules for module in self.modules)]
        self._children = self._now_children()
        self._homes = [home for module in self.modules for home in (module._parameters, module._buffers)]
        self.tensors = self._now_tensors()
        # Aliases: while they live, no other tensor can be given the address.
        self._aliases = [tensor.detach() for tensor in self.tensors]
        self._addresses = [tensor.data_ptr() for tensor in self.tensors]
        self._versions = [_version(tensor) for tensor in self.tensors]

    def _now_children(self) -> list[nn.Module | None]:
        return [child for branch in self._branches for child in branch.values()]

    def _now_tensors(self) -> list[Tensor]:
        return [tensor for home in self._homes for tensor in home.values() if tensor is not None]

    def refresh(self) -> None:
        """Look at everything, and forget what came of tensors that changed."""
        same = self._children == self._now_children()
        tensors = self._now_tensors()
        same = same and len(tensors) == len(self._addresses)
        same = same and all(map(_is_same, tensors, self._addresses, self._versions))
        numbers = [derived.numbers for derived in self._derived.values()]
        if same and (not numbers or torch.equal(torch.cat(numbers), self._numbers)):
            return
        self._look_around()
        for slot, derived in list(self._derived.items()):
            if not derived.holds_for(slot, self.modules):
                del self._derived[slot]
        self._remember_numbers()
        self.facts.clear()
        self.changes += 1

    def _remember_numbers(self) -> None:
        numbers = [derived.numbers for derived in self._derived.values()]
        self._numbers = torch.cat(numbers) if numbers else torch.empty(0)

    def derived(
        self, module: nn.Module, name: str, make: Callable[[Tensor, Machine], _Value], machine: Machine
    ) -> _Value:
        """make(the module's tensor of that name, machine); stored as long as looks find it unchanged."""
        known = self._derived.get((module, name))
        if known is None:
            known = self._derived[module, name] = _Derived(getattr(module, name))
            self._remember_numbers()
        if (make, machine) not in known.values:
            known.values[make, machine] = make(known.source, machine)
        value: _Value = known.values[make, machine]  # type: ignore[assignment]
        return value


class _Derived:
    """What was made of a tensor, and how the tensor was then."""

    def __init__(self, tensor: Tensor) -> None:
        self.source = tensor.detach()
        self.address, self.version = tensor.data_ptr(), _version(tensor)
        step = max(1, tensor.numel() // _SAMPLED)
        self.numbers = self.source.as_strided(
            (tensor.numel() // step,), (step,)
        )  # in the order of the memory
        self._before = self.numbers.clone()
        self.values: dict[tuple[object, Machine], object] = {}

    def holds_for(self, slot: tuple[nn.Module, str], modules: list[nn.Module]) -> bool:
        """Whether the slot still holds that tensor as it was."""
        module, name = slot
        tensor = getattr(module, name, None)
        if tensor is None or module not in modules or not _is_same(tensor, self.address, self.version):
            return False
        return torch.equal(self.numbers, self._before)


def _version(tensor: Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _is_same(tensor: Tensor, address: int, version: int) -> bool:
    return tensor.data_ptr() == address and _version(tensor) == version


def watched(network: nn.Module) -> Watched:
    """The watch over a network; it ends with the network."""
    known = _all().get(network)
    if known is None:
        known = _all()[network] = Watched(network)
    return known


@cache
def _all() -> WeakKeyDictionary[nn.Module, Watched]:
    return WeakKeyDictionary()
