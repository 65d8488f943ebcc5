"""The file from which a training run goes on: tensors and plain values, written whole or not at all."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch


def write_run_state(path: Path, kind: str, settings: str, values: dict[str, Any]) -> None:
    """Write values (tensors, numbers, text, lists and dicts of them), and for what kind of run with which
    settings; a file already there is replaced at the end."""
    part = path.with_suffix(".part")
    torch.save({"format": kind, "settings": settings, **values}, part)
    part.replace(path)


def read_run_state(path: Path, kind: str, settings: str | None = None) -> dict[str, Any]:
    """The values, tensors on the CPU. Nothing in the file is run.

    Raises ValueError where it is not the state of such a run, or, if settings are given, of one with others.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, on pickles that it did not write
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is damaged or not the state of a run") from error
    if not isinstance(saved, dict) or saved.get("format") != kind:
        raise ValueError(f"{path} is not the state of a run of this kind and version")
    if settings is not None and saved["settings"] != settings:
        raise ValueError(f"{path} is of a run with other settings or data; choose another folder")
    return saved
