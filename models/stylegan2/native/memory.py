"""Activations of the last picture: the next one starts at the first layer whose input differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from models.stylegan2.native.watch import Watched
from models.stylegan2.native.workspace import FLOAT

LIMIT = 288 * 2**20  # bytes: of a 1024 model everything up to 512, of smaller ones everything


class SynthesisMemory:
    """What `synthesis(..., memory=...)` keeps of one picture and uses for the next, to the same bits.

    A row of ws or a noise map that changed makes everything above it be computed again, a changed weight all.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """limit: bytes of activations; they are kept from the lowest layer on, as far as that goes."""
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything and free the memory."""
        self._network: tuple[Watched, int] | None = None
        self._ws: Tensor | None = None
        self._noise: list[tuple[Tensor, int] | None] = []
        self._activations: list[Tensor] = []  # of the convolutions, from the lowest on
        self._images: list[Tensor] = []  # of the blocks
        # So many of these belong to the input above; the others are only memory to be written again.
        self.convolutions = self.blocks = 0

    def recall(self, network: Watched, ws: Tensor, noise: Sequence[Tensor | None]) -> None:
        """Find what still holds for this input, ws [1, L, w_dim], and take the input over."""
        now = (network, network.changes)
        if self._network != now or self._ws is None:
            self.clear()
            self._network = now
        else:
            self._keep_what_agrees(self._ws, ws, noise)
        self._ws, self._noise = (
            ws.clone(),
            [None if field is None else (field, field._version) for field in noise],
        )

    def _keep_what_agrees(self, old: Tensor, ws: Tensor, noise: Sequence[Tensor | None]) -> None:
        rows = (old == ws).all(dim=2)[0].tolist()
        fields = map(_agree, self._noise, noise)
        self.convolutions = min(self.convolutions, _leading(map(bool.__and__, rows, fields)))
        # The ToRGB of block b follows convolution 2b and takes the row after that one's.
        seen = (2 * block < self.convolutions and rows[2 * block + 1] for block in range(self.blocks))
        self.blocks = _leading(seen)

    def activation(self, convolution: int) -> Tensor | None:
        """The result of that convolution, if it still holds."""
        return self._activations[convolution] if convolution < self.convolutions else None

    def image(self, block: int) -> Tensor | None:
        """The picture after that block, if it still holds."""
        return self._images[block] if block < self.blocks else None

    def place(self, convolution: int, shape: Sequence[int]) -> Tensor | None:
        """Where that convolution's result is to be written; None if the limit is reached."""
        if convolution < len(self._activations):
            return self._activations[convolution]
        size = torch.Size(shape).numel()
        used = sum(activation.numel() for activation in self._activations)
        if convolution > len(self._activations) or (used + size) * FLOAT > self.limit:
            return None
        self._activations.append(torch.empty(*shape))
        return self._activations[convolution]

    def written(self, convolution: int) -> None:
        """The result of that convolution is in its place."""
        self.convolutions = max(self.convolutions, convolution + 1)

    def keep_image(self, block: int, image: Tensor) -> None:
        """The picture after that block; the memory's own from now on."""
        self._images[block:] = [image]
        self.blocks = block + 1


def _agree(old: tuple[Tensor, int] | None, field: Tensor | None) -> bool:
    """Whether a noise map is what it was; old: the map and PyTorch's count of its changes at that time."""
    if old is None or field is None:
        return old is None and field is None
    map_then, version = old
    if map_then._version != version:
        return False
    return map_then.data_ptr() == field.data_ptr() or torch.equal(map_then, field)


def _leading(values: Iterable[bool]) -> int:
    count = 0
    for value in values:
        if not value:
            break
        count += 1
    return count
