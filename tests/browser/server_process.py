"""A real server for the browser tests: its own process, port and data folder.

It serves the demo model, or the models in LATENTLOOM_CHECKPOINTS_DIR where that is set.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 300


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ServerProcess:
    """`python -m server serve`, with the perceptual distance that needs no network."""

    folder: Path
    checkpoints: Path | None = None  # None: those that all browser tests are run on
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        """Start it, on the same data as before, and wait until it answers.

        Raises RuntimeError with the server's log where it does not.
        """
        settings = {
            "LATENTLOOM_PORT": str(self.port),
            "LATENTLOOM_DATA_DIR": str(self.folder / "data"),
            "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0",
            "LATENTLOOM_DEVICE": "cpu",
        }
        settings["LATENTLOOM_CHECKPOINTS_DIR"] = str(
            self.checkpoints or os.environ.get("LATENTLOOM_CHECKPOINTS_DIR", REPOSITORY / "checkpoints")
        )
        own = {name: value for name, value in os.environ.items() if not name.startswith("LATENTLOOM_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve"],
                cwd=REPOSITORY,
                env=own | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self._fail()
            time.sleep(0.1)

    def _answers(self) -> bool:
        """Whether it is ready. It answers only when its models are loaded: a refusal is for good."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10):  # noqa: S310 (our own)
                return True
        except urllib.error.HTTPError:
            self._fail()
        except (urllib.error.URLError, OSError):
            return False

    def _fail(self) -> NoReturn:
        self.kill()
        lines = self.log.read_text(errors="replace").splitlines()
        raise RuntimeError("\n".join(["the server did not start:", *lines[-40:]]))

    def stop(self) -> None:
        """Ask it to end, as Ctrl+C does, and wait."""
        assert self.process
        self.process.terminate()
        self.process.wait(timeout=60)

    def kill(self) -> None:
        """End it in the midst of whatever it does."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=60)
