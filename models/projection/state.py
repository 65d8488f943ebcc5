"""A projection between two steps as one safetensors file: put back, it gives the same result, bit for bit.

Same generator, same device, same number of threads: what other kernels round otherwise is theirs.
File: format "latentloom-projection"; no pickle, and the file decides over no code that runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from models.projection.settings import ProjectionSettings, RungSettings, TuningSettings, WPlusSettings
from models.projection.steps import Best, Found
from models.projection.tuning import tuning_of, tuning_tensors
from models.weights import VERSION, CheckpointError, read_weights

FORMAT = "latentloom-projection"
SETTINGS: dict[str, type[RungSettings]] = {
    "w": ProjectionSettings,
    "w+": WPlusSettings,
    "pti": TuningSettings,
}
STEPS_LIMIT = 1_000_000


@dataclass(frozen=True)
class ProjectorState:
    """Everything that decides how a projection goes on.

    plan: the settings of all rungs; rung: index of the one under way; index: steps made, over all rungs.
    perceptual: name of the distance; target: its fingerprint. w_avg, w_std: the statistics of W.
    start: where the rung began; best: the closest picture so far. tensors: what the rung optimises, with
    Adam's moments. random: the state of the random stream, uint8.
    """

    plan: tuple[RungSettings, ...]
    rung: int
    index: int
    perceptual: str
    target: str
    w_avg: Tensor
    w_std: float
    start: Found | None
    best: Best | None
    tensors: Mapping[str, Tensor]
    random: Tensor

    def to_bytes(self) -> bytes:
        """The bytes of a safetensors file; numbers of the config keep all their digits."""
        config = {
            "plan": [{"rung": settings.rung, **asdict(settings)} for settings in self.plan],
            "rung": self.rung,
            "index": self.index,
            "perceptual": self.perceptual,
            "target": self.target,
            "w_std": self.w_std,
            "best_distance": self.best.distance if self.best else None,
        }
        tensors = {f"descent.{name}": value for name, value in self.tensors.items()}
        tensors |= {"w_avg": self.w_avg, "random": self.random.float()}  # bytes are exact in float32
        tensors |= _of_found("start", self.start) | _of_found("best", self.best.found if self.best else None)
        stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        metadata = {"format": FORMAT, "version": VERSION, "config": json.dumps(config, sort_keys=True)}
        return safetensors.torch.save(stored, metadata)

    @classmethod
    def from_bytes(cls, data: bytes) -> ProjectorState:
        """The state from the bytes of to_bytes. Raises CheckpointError where they are damaged."""
        config, tensors = read_weights(data, FORMAT)
        try:
            return cls._parsed(config, {name: value.clone() for name, value in tensors.items()})
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError("The state of this projection is damaged.") from error

    @classmethod
    def _parsed(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ProjectorState:
        plan = tuple(_settings(values) for values in config["plan"])
        rung, index = config["rung"], config["index"]
        if not (type(rung) is int and 0 <= rung < len(plan) and type(index) is int):
            raise ValueError("no such rung")
        done = sum(settings.steps for settings in plan[:rung])
        if not done <= index <= done + plan[rung].steps:
            raise ValueError("the steps do not fit the rung")
        start, best = _found("start", tensors), _found("best", tensors)
        return cls(
            plan=plan,
            rung=rung,
            index=index,
            perceptual=str(config["perceptual"]),
            target=str(config["target"]),
            w_avg=tensors["w_avg"],
            w_std=float(config["w_std"]),
            start=start,
            best=Best(float(config["best_distance"]), best) if best else None,
            tensors=_part("descent", tensors),
            random=tensors["random"].to(torch.uint8),
        )


def _settings(values: Mapping[str, Any]) -> RungSettings:
    """Settings from JSON; KeyError, TypeError or ValueError where they are none."""
    kind = SETTINGS[values["rung"]]
    given = {name: value for name, value in values.items() if name != "rung"}
    for field in fields(kind):
        value = given.get(field.name)
        whole = field.type in ("int", "int | None")
        numeric = type(value) is int if whole else type(value) in (int, float)
        if field.name in given and not numeric and not (value is None and field.type == "int | None"):
            raise TypeError(f"{field.name} must be a number")
    settings = kind(**given)
    if settings.steps > STEPS_LIMIT:
        raise ValueError(f"more than {STEPS_LIMIT} steps")
    return settings


def _part(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(f"{prefix}."): value for n, value in tensors.items() if n.startswith(f"{prefix}.")}


def _of_found(prefix: str, found: Found | None) -> dict[str, Tensor]:
    if found is None:
        return {}
    tensors = {f"{prefix}.ws": found.ws, **_numbered(f"{prefix}.noise", found.noise)}
    changes = tuning_tensors(found.tuning) if found.tuning else {}
    return tensors | {f"{prefix}.tuning.{name}": value for name, value in changes.items()}


def _found(prefix: str, tensors: Mapping[str, Tensor]) -> Found | None:
    part = _part(prefix, tensors)
    if not part:
        return None
    maps = _part("noise", part)
    changes = _part("tuning", part)
    noise = [maps[str(i)] for i in range(len(maps))]
    return Found(part["ws"], noise, tuning_of(changes) if changes else None)


def _numbered(name: str, values: Sequence[Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{i}": value for i, value in enumerate(values)}
