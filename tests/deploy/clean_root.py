"""The Dockerfile without Docker: its instructions, one after the other, in a clean root made by debootstrap.

    sudo python -m tests.deploy.clean_root FOLDER

For machines without a container engine, which can thus still tell whether an image could be built and its
server would answer. Needs root and debootstrap, and takes some minutes and gigabytes; the folder is kept.
ARGs may be set in the environment; PIP_CERT, as for pip itself, names the certificates of a network that has
its own. What it does not do is what an engine does: no namespaces, no capabilities, no read-only root file
system.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.server_process import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
SUITE = "trixie"
START_S = 180
OUTER = ("/proc", "/dev")  # of this machine, seen in the root
APART = "--apart"
OWN_CERTIFICATES = "etc/own-certificates.crt"


@dataclass
class Image:
    """What the instructions so far have set."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)


def main() -> None:
    """Build in the folder, start the server as its user, ask it for readiness, stop it."""
    root = Path(sys.argv[1]).resolve()
    if sys.argv[2:] != [APART]:
        # In mounts of its own: whatever ends this program, /dev is in the folder for nobody else.
        own = [sys.executable, "-m", "tests.deploy.clean_root", str(root), APART]
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", *own])  # noqa: S606
    if not (root / "etc/debian_version").exists():
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, str(root)], check=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    image = Image(root, {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})
    if certificates := os.environ.get("PIP_CERT"):
        shutil.copy(certificates, root / OWN_CERTIFICATES)
        image.variables["PIP_CERT"] = f"/{OWN_CERTIFICATES}"
    for place in OUTER:
        subprocess.run(["mount", "--rbind", place, f"{root}{place}"], check=True)
    for name, value in instructions((REPOSITORY / "Dockerfile").read_text("utf-8")):
        print(f"{name} {value[:100]}", flush=True)  # noqa: T201 (a program)
        follow(image, name, value)
    answers(image)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each, lines joined, comments left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            name, value = line.split(maxsplit=1)
            yield name, value


def follow(image: Image, name: str, value: str) -> None:
    """Do what an engine would. Raises where it is an instruction that is not known here."""
    if name == "ARG":
        variable, default = value.split("=", 1)
        image.variables.setdefault(variable, os.environ.get(variable, default))
    elif name == "ENV":
        for variable, content in (part.split("=", 1) for part in shlex.split(value)):
            image.variables[variable] = content.replace("$PATH", image.variables["PATH"])
    elif name == "RUN":
        subprocess.run(chroot(image, ["/bin/sh", "-c", value]), env=image.variables, check=True)
    elif name == "COPY":
        assert value == ". .", value
        copy_clone(image.root / image.folder.lstrip("/"))
    elif name == "WORKDIR":
        image.folder = value
        (image.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif name == "USER":
        image.user = value
    elif name in ("ENTRYPOINT", "CMD"):
        image.command += json.loads(value)
    elif name not in ("FROM", "VOLUME", "EXPOSE", "HEALTHCHECK"):
        raise ValueError(f"what is {name}?")


def copy_clone(target: Path) -> None:
    """What git knows, as the build context of a fresh clone would be."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)


def answers(image: Image) -> None:
    """Start the image's command as its user, and wait until the server is ready."""
    port = free_port()
    with subprocess.Popen(
        chroot(image, image.command), env=image.variables | {"LATENTLOOM_PORT": str(port)}
    ) as server:
        try:
            deadline = time.monotonic() + START_S
            while server.poll() is None and time.monotonic() < deadline:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                        print(f"ready: {answer.status}", flush=True)  # noqa: T201 (a program)
                        return
                except (urllib.error.URLError, OSError):
                    time.sleep(0.5)
            raise SystemExit("the server did not become ready")
        finally:
            server.terminate()


def chroot(image: Image, command: list[str]) -> list[str]:
    """The command in the root, in its folder, as its user."""
    there = f"cd {shlex.quote(image.folder)} && exec {shlex.join(command)}"
    return ["chroot", f"--userspec={image.user}", str(image.root), "/bin/sh", "-c", there]


if __name__ == "__main__":
    main()
