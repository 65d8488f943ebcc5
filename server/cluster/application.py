"""The application as Ray Serve runs it: `serve run server.cluster.application:app`, or a serve config file.

    Web          routes, sockets, jobs: the application of `latentloom serve` with another engine
    Renderer     replicas of the engine for everything but projections
    Projector    replicas of the engine for projections, so that these never wait for each other's devices

Settings are the same environment variables; how many replicas of what, with which devices, stands in the
config file (deploy/ray).
"""

from __future__ import annotations

from fastapi import FastAPI
from ray import serve
from ray.serve.config import RequestRouterConfig

from server.access.doors import refusal_to_serve
from server.app import create_app
from server.cluster.remote_engine import ServeEngine
from server.cluster.replica import EngineReplica
from server.settings import Settings

# Faces are routed by what they are, so that a replica finds in its memories what a slider needs again.
BY_FACE = RequestRouterConfig(
    # Ray's documentation takes a path; its annotation, which a validator makes of it, says otherwise.
    request_router_class="ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"  # type: ignore[arg-type]
)
# Live renders wait in the replica's own queue, where they are put together; Ray must hand them over.
HANDED_OVER = 64
QUEUED = 512


def web() -> FastAPI:
    """The application of one web replica."""
    settings = Settings()
    reason = refusal_to_serve(settings, "a cluster's address")
    if reason is not None:
        raise ValueError(reason)
    return create_app(
        settings,
        lambda _latents, _directions: ServeEngine(
            serve.get_deployment_handle("Renderer", _check_exists=False),
            serve.get_deployment_handle("Projector", _check_exists=False),
        ),
    )


class _Replica(EngineReplica):
    def __init__(self) -> None:
        super().__init__(Settings())


class _Web:
    def __init__(self, *_replicas: object) -> None:
        """The handles are found by name; binding them here makes Serve deploy them."""


renderer = serve.deployment(
    name="Renderer",
    max_ongoing_requests=HANDED_OVER,
    max_queued_requests=QUEUED,
    request_router_config=BY_FACE,
)(_Replica)
projector = serve.deployment(
    name="Projector", max_ongoing_requests=HANDED_OVER, request_router_config=BY_FACE
)(_Replica)
app = serve.deployment(name="Web", max_ongoing_requests=1000)(serve.ingress(web)(_Web)).bind(
    renderer.bind(), projector.bind()
)
