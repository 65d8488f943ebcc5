"""The image and the compose file, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import Settings


@pytest.fixture(scope="session")
def compose(repository: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((repository / "docker-compose.yml").read_text("utf-8"))
    return content


@pytest.fixture(scope="session")
def dockerfile(repository: Path) -> list[tuple[str, str]]:
    """Instructions with their arguments, in order."""
    text = (repository / "Dockerfile").read_text("utf-8")
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


SERVERS = ["cpu", "gpu", "cluster", "cluster-worker"]


@pytest.mark.parametrize("service", SERVERS)
def test_a_service_can_write_nothing_but_its_data(compose: dict[str, Any], service: str) -> None:
    said = compose["services"][service]
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert said["user"] == "10001:10001"
    assert "privileged" not in said
    data, checkpoints = said["volumes"]
    assert data == "loom-data:/data"
    assert checkpoints.endswith(":/app/checkpoints:ro")
    assert "loom-data" in compose["volumes"]


@pytest.mark.parametrize("service", ["cpu", "gpu"])
def test_only_this_machine_reaches_the_port_unless_told_otherwise(
    compose: dict[str, Any], service: str
) -> None:
    assert compose["services"][service]["ports"] == ["${LOOM_BIND:-127.0.0.1}:${LOOM_PORT:-7860}:7860"]
    assert "network_mode" not in compose["services"][service]


def test_up_starts_the_cpu_and_the_gpu_on_request_only(repository: Path, compose: dict[str, Any]) -> None:
    assert "COMPOSE_PROFILES=cpu" in (repository / ".env").read_text("utf-8").splitlines()
    assert {name: said["profiles"] for name, said in compose["services"].items()} == {
        "cpu": ["cpu"],
        "gpu": ["gpu"],
        "cluster": ["cluster"],
        "cluster-worker": ["cluster"],
        "postgres": ["postgres"],
        "s3": ["s3"],
        "s3-bucket": ["s3"],
    }
    (device,) = compose["services"]["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "deploy" not in compose["services"]["cpu"]


def test_every_variable_of_the_services_is_a_setting(
    compose: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    settings = {f"LATENTLOOM_{name.upper()}" for name in Settings.model_fields}
    image = re.findall(r"(LATENTLOOM_\w+)=", " ".join(rest for name, rest in dockerfile if name == "ENV"))
    services = {name for service in SERVERS for name in compose["services"][service]["environment"]}
    assert image
    others = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"}
    assert {*image, *services} - others <= settings


@pytest.mark.parametrize("service", ["postgres", "s3", "s3-bucket"])
def test_what_runs_beside_it_is_reached_by_nobody_else(compose: dict[str, Any], service: str) -> None:
    said = compose["services"][service]
    assert not {"ports", "network_mode", "privileged"} & set(said)
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert ":" in said["image"]
    assert {volume.split(":")[0] for volume in said.get("volumes", [])} <= set(compose["volumes"])


def test_of_a_cluster_only_the_page_is_reached_from_outside(compose: dict[str, Any]) -> None:
    cluster, worker = (compose["services"][name] for name in ("cluster", "cluster-worker"))
    assert cluster["ports"] == ["${LOOM_BIND:-127.0.0.1}:${LOOM_PORT:-7860}:8000"]
    assert worker["ports"] == []
    assert "--include-dashboard=false" in cluster["command"][0]
    assert worker["environment"] == cluster["environment"]
    assert cluster["build"]["args"]["EXTRAS"].split(",") == ["cluster", "postgres", "s3"]


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    said = [pair for service in compose["services"].values() for pair in service["environment"].items()]
    secrets = {value for name, value in said if any(part in name for part in ("PASSWORD", "SECRET", "TOKEN"))}
    assert secrets == {
        f"${{LOOM_{name}-}}" for name in ("POSTGRES_PASSWORD", "S3_PASSWORD", "TOKEN", "RAY_TOKEN")
    }


@pytest.mark.parametrize("service", ["cpu", "gpu"])
def test_the_server_waits_for_what_it_keeps_things_in(compose: dict[str, Any], service: str) -> None:
    waits = compose["services"][service]["depends_on"]
    assert set(waits) == {"postgres", "s3-bucket"}
    assert not any(wait["required"] for wait in waits.values())


def test_the_image_is_built_on_any_base_and_runs_as_nobody_special(dockerfile: list[tuple[str, str]]) -> None:
    assert dockerfile[0][0] == "ARG"
    assert dockerfile[0][1].startswith("BASE=")
    assert dockerfile[1] == ("FROM", "${BASE}")
    names = [name for name, _ in dockerfile]
    assert dockerfile[names.index("USER")][1] == "10001:10001"
    assert "ADD" not in names
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])
    assert names.index("HEALTHCHECK")
    assert ("ENTRYPOINT", '["latentloom"]') in dockerfile
    assert ("CMD", '["serve"]') in dockerfile


def test_the_shell_of_the_image_stops_at_the_first_error(dockerfile: list[tuple[str, str]]) -> None:
    for name, rest in dockerfile:
        if name == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)
            assert rest.count("; ") == 0 or rest.startswith(("set -eu;", "if ")), rest
            assert "sudo" not in shlex.split(rest)
    apt = next(rest for name, rest in dockerfile if "apt-get install" in rest)
    assert "rm -rf /var/lib/apt/lists/*" in apt
    assert "--no-install-recommends" in apt


def test_only_what_runs_goes_into_the_image(repository: Path) -> None:
    lines = (repository / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert all((repository / path).exists() for path in kept)
    assert {"data", "tests", ".git", "checkpoints", ".env"} & kept == set()


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker here")
def test_compose_itself_agrees(repository: Path) -> None:
    version = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if version.returncode:
        pytest.skip("docker comes without compose here")
    subprocess.run(["docker", "compose", "config", "--quiet"], cwd=repository, check=True)
