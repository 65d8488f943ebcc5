"""Python, PyTorch, the device, memory, disk."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from server.doctor.finding import Finding

GIB = 2**30
OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 10)  # older ones run code of files, or corrupt memory, while they read weights
SCARCE_MEMORY, LITTLE_MEMORY = 0.7 * GIB, 2 * GIB
SCARCE_DISK, LITTLE_DISK = 0.2 * GIB, 5 * GIB
MEMORY_INFO = Path("/proc/meminfo")
NVIDIA_DEVICE = Path("/dev/nvidia0")


def python_version() -> Finding:
    """New enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "fail", found, "Install Python 3.11 or newer.")
    return Finding("Python", "ok", found)


def torch_version() -> Finding:
    """There, new enough, and how many threads it computes on."""
    try:
        found = version("torch")
        import torch
    except (PackageNotFoundError, ImportError) as error:
        return Finding("PyTorch", "fail", f"cannot be imported ({type(error).__name__})", "pip install torch")
    numbers = tuple(int(part) for part in found.split("+")[0].split(".")[:2])
    if numbers < OLDEST_TORCH:
        return Finding("PyTorch", "fail", found, "pip install --upgrade 'torch>=2.10'")
    return Finding("PyTorch", "ok", f"{found}, {torch.get_num_threads()} threads")


def device(asked: str) -> Finding:
    """What LATENTLOOM_DEVICE leads to, computed on once."""
    try:
        import torch

        name = ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked
        torch.ones(8, device=name).sum().item()
        if name.startswith("cuda"):
            free, total = torch.cuda.mem_get_info(name)
            detail = f"{torch.cuda.get_device_name(name)}, {free / GIB:.1f} of {total / GIB:.1f} GiB free"
            return Finding("device", "ok", detail)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return Finding(
            "device",
            "fail",
            f"{asked} cannot be used: {reason}",
            "Set LATENTLOOM_DEVICE=cpu, or install the NVIDIA driver.",
        )
    if NVIDIA_DEVICE.exists():
        advice = "Install PyTorch's CUDA build: pip install --force-reinstall torch torchvision"
        return Finding("device", "warn", "cpu, though there is an NVIDIA GPU", advice)
    return Finding("device", "ok", f"cpu, {os.cpu_count()} cores")


def memory() -> Finding:
    """What is available now."""
    try:
        lines = dict(line.split(":", 1) for line in MEMORY_INFO.read_text("ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return Finding("memory", "warn", "cannot be told on this system", "Have 2 GiB free, or more.")
    detail = f"{free / GIB:.1f} GiB available"
    if free < SCARCE_MEMORY:
        return Finding("memory", "fail", detail, "Stop other programs: PyTorch alone needs most of that.")
    if free < LITTLE_MEMORY:
        advice = "Lower LATENTLOOM_MODEL_CACHE_MIB and LATENTLOOM_FRAME_CACHE_MIB."
        return Finding("memory", "warn", detail, advice)
    return Finding("memory", "ok", detail)


def disk(data_dir: Path) -> Finding:
    """Room in the data folder, and whether it can be written. It is not made here."""
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    if not os.access(place, os.W_OK) or not place.is_dir():
        advice = "Give this user the right to write there, or set LATENTLOOM_DATA_DIR."
        return Finding("data folder", "fail", f"{data_dir} cannot be written", advice)
    free = shutil.disk_usage(place).free
    detail = f"{data_dir}, {free / GIB:.1f} GiB free"
    if free < SCARCE_DISK:
        return Finding("data folder", "fail", detail, "Make room, or set LATENTLOOM_DATA_DIR.")
    if free < LITTLE_DISK:
        return Finding("data folder", "warn", detail, "Photos and converted checkpoints need room.")
    return Finding("data folder", "ok", detail)
