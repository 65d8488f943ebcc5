"""The files that start the application on Ray: what must be so on any cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from server.access.doors import refusal_to_serve
from server.settings import Settings

TOKEN = "a-token-of-a-cluster-0123456789"  # noqa: S105
Deployments = dict[str, dict[str, Any]]


@pytest.fixture(params=["latentloom.yaml", "kuberay.yaml"])
def deployments(repository: Path, request: pytest.FixtureRequest) -> Deployments:
    """By name, of each file in turn."""
    file: dict[str, Any] = yaml.safe_load((repository / "deploy/ray" / request.param).read_text("utf-8"))
    serve = yaml.safe_load(file["spec"]["serveConfigV2"]) if "spec" in file else file
    (application,) = serve["applications"]
    assert application["import_path"] == "server.cluster.application:app"
    return {deployment["name"]: deployment for deployment in application["deployments"]}


def test_what_computes_grows_by_itself_and_sockets_do_not_make_it_grow(deployments: Deployments) -> None:
    assert set(deployments) == {"Web", "Renderer", "Projector"}
    assert deployments["Web"]["num_replicas"] == 1
    assert "autoscaling_config" not in deployments["Web"], "an open socket counts as work for ever"
    for name in ("Renderer", "Projector"):
        bounds = deployments[name]["autoscaling_config"]
        assert 1 <= bounds["min_replicas"] < bounds["max_replicas"]
        assert bounds["target_ongoing_requests"] >= 1


def test_a_gpu_is_not_shared_because_ray_limits_no_memory_of_a_share(deployments: Deployments) -> None:
    for deployment in deployments.values():
        assert deployment["ray_actor_options"].get("num_gpus", 0) in (0, 1)


def test_nobody_reaches_what_runs_programs_for_whoever_asks(repository: Path) -> None:
    file = yaml.safe_load((repository / "deploy/ray/kuberay.yaml").read_text("utf-8"))
    head = file["spec"]["rayClusterConfig"]["headGroupSpec"]
    assert head["rayStartParams"]["dashboard-host"] == "127.0.0.1"
    (container,) = head["template"]["spec"]["containers"]
    assert "ports" not in container
    (token,) = [each for each in container["env"] if each["name"] == "LATENTLOOM_TOKEN"]
    assert "value" not in token, "secrets stand in a Secret"


@pytest.mark.parametrize("token", [None, "", "short"])
def test_a_cluster_without_a_good_token_does_not_start(token: str | None) -> None:
    assert refusal_to_serve(Settings.model_validate({"token": token}), "10.0.0.1") is not None
    assert refusal_to_serve(Settings.model_validate({"token": TOKEN}), "10.0.0.1") is None
