"""Models that lack something or are wrong, beside the tiny one, for a server's checkpoints folder."""

from __future__ import annotations

from pathlib import Path

import torch

from models.bundle import write_bundle
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, load_flow, save_flow
from models.styleflow.network import CNF
from tests.server.harness import WIDTH, write_generator, write_tiny_bundle


def write_model_kinds(folder: Path, parts: Path) -> None:
    """tiny; blind: nothing reads its pictures; bare: another generator alone; steep: no solver gets through
    its flow; misfit: its flow is of another width.
    """
    write_tiny_bundle(folder / "tiny", parts)
    write_generator(parts / "other", seed=1)
    steep = load_flow(parts / "flow")
    block = steep.chain[1]
    assert isinstance(block, CNF)
    with torch.no_grad():
        for layer in block.odefunc.diffeq.squash_layers():
            layer.weight.mul_(22)
    save_flow(steep, parts / "steep")
    save_flow(ConditionalFlow(FlowConfig(WIDTH // 2, (24,))), parts / "narrow")
    kinds: dict[str, dict[str, Path]] = {
        "blind": {"generator": parts / "generator", "flow": parts / "flow"},
        "bare": {"generator": parts / "other"},
        "steep": {
            "generator": parts / "generator", "flow": parts / "steep", "attributes": parts / "attributes",
        },
        "misfit": {"generator": parts / "generator", "flow": parts / "narrow"},
    }  # fmt: skip
    for name, files in kinds.items():
        text = {"name": name, "title": name, "description": "For tests.", "licence": "Apache-2.0"}
        write_bundle(folder / name, **text, **files)  # type: ignore[arg-type]
