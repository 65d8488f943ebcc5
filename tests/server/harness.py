"""A real server on a free port, a tiny real model for it, and documents of that model."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import torch
import uvicorn
from fastapi import FastAPI
from PIL import Image

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, save_estimator
from models.bundle import write_bundle
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, save_flow
from models.stylegan2.checkpoint import save_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from server.app import create_app
from server.engine.local import LocalEngine
from server.engine.local_options import engine_options
from server.listen import uvicorn_config
from server.settings import Settings

Json = dict[str, Any]
WIDTH = 32


@dataclass(frozen=True)
class RunningServer:
    """A server that is up."""

    port: int
    app: FastAPI

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def live_url(self, session: str) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/sessions/{session}/live"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.origin, timeout=120)


@contextmanager
def serving(settings: Settings) -> Iterator[RunningServer]:
    """Run the server as the command line does, in a thread."""
    app = create_app(settings, partial(LocalEngine, engine_options(settings)))
    with listening(app, settings) as port:
        yield RunningServer(port, app)


@contextmanager
def listening(app: FastAPI, settings: Settings) -> Iterator[int]:
    """Any application, served as the command line serves ours; its port."""
    config = uvicorn_config(app, settings)
    config.log_config = None
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.02)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def write_tiny_bundle(folder: Path, parts: Path) -> None:
    """An untrained bundle, always the same: every part real and small."""
    write_generator(parts / "generator")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = ConditionalFlow(FlowConfig(WIDTH, (24,), attribute_mean=_means(), attribute_std=_spans()))
        save_flow(flow, parts / "flow")
        low, high = (tuple(getattr(a, end) for a in ATTRIBUTES) for end in ("minimum", "maximum"))
        estimator = AttributeEstimator(EstimatorConfig(16, (4, 8), _means(), _spans(), low, high))
        save_estimator(estimator, parts / "attributes")
    write_bundle(
        folder,
        name="tiny",
        title="Tiny",
        description="An untrained model for tests.",
        licence="Apache-2.0",
        generator=parts / "generator",
        flow=parts / "flow",
        attributes=parts / "attributes",
        seeds=[7, 8],
    )


def write_generator(path: Path, seed: int = 0, resolution: int = 32, **config: Any) -> None:
    """An untrained generator in a file of its own, the same one for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tiny = {"mapping_layers": 2, "channel_base": 512, "channel_max": 16} | config
        generator = Generator(GeneratorConfig(WIDTH, WIDTH, resolution, **tiny))
        for name, value in generator.named_parameters():
            if name.endswith("noise_strength"):
                value.data.fill_(0.3)
        save_generator(generator, path)


def copy_face_detector(repository: Path, folder: Path) -> None:
    """The real one, which the repository carries."""
    shutil.copytree(repository / "checkpoints" / "face-detector", folder / "face-detector")


def _means() -> tuple[float, ...]:
    return tuple((a.minimum + a.maximum) / 2 for a in ATTRIBUTES)


def _spans() -> tuple[float, ...]:
    return tuple((a.maximum - a.minimum) / 2 for a in ATTRIBUTES)


def make_settings(data: Path, checkpoints: Path, page: Path) -> Settings:
    return Settings(
        port=0,
        data_dir=data,
        checkpoints_dir=checkpoints,
        frontend_dir=page,
        perceptual="efficientnet-lite0",
        device="cpu",
        max_requests_per_second=10_000,
    )


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def keep(client: httpx.Client, session: str, document: Json) -> httpx.Response:
    """Make the document one step of the session's history, below the one where it stands."""
    node, own = str(uuid4()), f"/api/v1/sessions/{session}"
    parent = client.get(own).json().get("node", session)
    step = {"id": node, "parent": parent, "document": document}
    return client.post(f"{own}/history", json={"nodes": [step], "current": node})


def seed_document(seed: int = 1, **changes: Any) -> Json:
    """A document of the tiny model."""
    base = {"kind": "seed", "seed": seed, "truncation_psi": 0.7, "truncation_cutoff": None}
    edits: Json = {"base_attributes": {}, "attributes": {}, "light": None, "locks": [], "calibrated": False}
    noise: Json = {"seed": None, "strength": 1.0, "layers": {}, "frozen": []}
    moves: Json = {"layers": {}, "directions": [], "noise": noise}
    return {"model": "tiny", "base": base, "mix": []} | edits | moves | changes
