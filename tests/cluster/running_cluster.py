"""A real Ray on this machine, and the application on it as the config file in deploy/ray has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.browser.server_process import free_port

TOKEN = "a-token-of-the-cluster-tests-01"  # noqa: S105
START_S = 300.0
RENDERERS = 2


@dataclass(frozen=True)
class Cluster:
    """The application under way."""

    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.origin, timeout=120, headers=headers)

    def live_url(self, session: str) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/sessions/{session}/live"


def replicas(deployment: str) -> list[int]:
    """The processes of a deployment's replicas."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                title = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if title.startswith(f"ray::ServeReplica:latentloom:{deployment}"):
                found.append(int(folder.name))
    return found


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


@contextmanager
def running_cluster(repository: Path, folder: Path) -> Iterator[Cluster]:
    """Two renderers, a projector and a web replica, with SQLite. The models are in folder/checkpoints."""
    port = free_port()
    config = folder / "latentloom.yaml"
    config.write_text(yaml.safe_dump(_config(repository, folder, port)))
    # Ray's sockets have paths of at most 107 bytes, which pytest's folders leave too little of.
    with tempfile.TemporaryDirectory(prefix="ray") as ray_folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LATENTLOOM_")}
        environment |= {
            "PYTHONPATH": str(repository),
            "RAY_AUTH_MODE": "disabled",  # on loopback only
            "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
            "RAY_worker_niceness": "0",  # else everything else on this machine goes first
        }
        program = Path(sys.executable).parent
        head = ["start", "--head", "--node-ip-address=127.0.0.1", "--port=0", "--num-cpus=8"]
        quiet = ["--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={ray_folder}"]
        begun = subprocess.run(
            [str(program / "ray"), *head, *quiet],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        address = re.search(r"--address='([^']+)'", begun.stdout)
        assert address is not None, begun.stdout
        log = (folder / "serve.log").open("wb")
        process = subprocess.Popen(
            [program / "serve", "run", f"--address={address[1]}", config],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            found = Cluster(port)
            _wait_until_ready(found, process, folder / "serve.log")
            yield found
        finally:
            process.terminate()
            subprocess.run(
                [program / "ray", "stop", "--force"], capture_output=True, env=environment, check=False
            )
            process.wait()
            log.close()


def _config(repository: Path, folder: Path, port: int) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((repository / "deploy/ray/latentloom.yaml").read_text())
    config["http_options"] = {"host": "127.0.0.1", "port": port}
    (application,) = config["applications"]
    application["runtime_env"]["env_vars"] = {
        "LATENTLOOM_DATA_DIR": str(folder / "data"),
        "LATENTLOOM_CHECKPOINTS_DIR": str(folder / "checkpoints"),
        "LATENTLOOM_TOKEN": TOKEN,
        "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0",
        "OMP_NUM_THREADS": "1",
    }
    for deployment in application["deployments"]:
        deployment.pop("autoscaling_config", None)
        deployment["num_replicas"] = RENDERERS if deployment["name"] == "Renderer" else 1
        deployment["ray_actor_options"] = {"num_cpus": 1}
    return config


def _wait_until_ready(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{cluster.origin}/readyz", timeout=5).status_code == 200 and (
                len(replicas("Renderer")) == RENDERERS
            ):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace")[-4000:])
