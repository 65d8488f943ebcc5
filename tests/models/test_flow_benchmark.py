"""What the flow is measured against makes the same edit."""

from __future__ import annotations

import torch

from benchmarks.flow import published_move
from models.editing.attribute_edit import edit_attributes
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow


def test_the_published_way_ends_at_the_latent_of_our_edit() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        flow = ConditionalFlow(FlowConfig(16, (24,))).eval().requires_grad_(False)
    random = torch.Generator().manual_seed(1)
    ws, base = torch.randn(1, 18, 16, generator=random), torch.randn(1, 17, generator=random)
    target = base + 0.5
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(2)
        theirs = published_move(flow, flow.encode(ws, base), target)
    ours = flow.encode(edit_attributes(flow, ws, base, target), target)
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-3)
