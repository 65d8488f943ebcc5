"""A real Ray on this machine, and the application on it as the config file in deploy/ray has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.browser.server_process import free_port

TOKEN = "a-token-of-the-cluster-tests-01"  # noqa: S105
START_S, END_S = 300.0, 60.0
RENDERERS = 2


@dataclass(frozen=True)
class Cluster:
    """The application under way, with its data and logs in a folder."""

    port: int
    folder: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.origin, timeout=120, headers=headers)

    def live_url(self, session: str) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/sessions/{session}/live"

    def replicas(self, deployment: str) -> list[int]:
        """The processes of a deployment's replicas; another cluster's on this machine are none of ours."""
        title, ours = f"ray::ServeReplica:latentloom:{deployment}".encode(), str(self.folder).encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cmdline").read_bytes().startswith(title) and ours in (
                    process / "environ"
                ).read_bytes():
                    found.append(int(process.name))
            except OSError:  # it has just ended
                continue
        return found


def computed(process: int) -> int:
    """How long it has computed, in ticks of the kernel's clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime and stime (man proc_pid_stat)


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
            "RAY_raylet_start_wait_time_s": "120",  # a busy machine takes longer than Ray's 30 s
            "RAY_worker_niceness": "0",  # else everything else on this machine goes first
        }
        program = Path(sys.executable).parent
        head = [str(program / "ray"), "start", "--head", "--block", "--node-ip-address=127.0.0.1", "--port=0"]
        sizes = [
            "--num-cpus=8",
            "--include-dashboard=false",
            "--disable-usage-stats",
            f"--temp-dir={ray_folder}",
        ]
        with (
            _running([*head, *sizes], folder / "ray.log", environment) as ray,
            _running(
                [program / "serve", "run", f"--address={_address(ray, folder / 'ray.log')}", config],
                folder / "serve.log",
                environment,
            ) as serve,
        ):
            found = Cluster(port, folder)
            _wait_until_ready(found, serve, folder / "serve.log")
            yield found


@contextmanager
def _running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Ended by a signal: `ray stop` would end whatever else runs on this machine's Ray."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(ray: subprocess.Popen[bytes], log: Path) -> str:
    """Where the head listens, as it says."""
    deadline = time.monotonic() + START_S
    while ray.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"--address='([^']+)'", log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


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
                len(cluster.replicas("Renderer")) == RENDERERS
            ):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace")[-4000:])
