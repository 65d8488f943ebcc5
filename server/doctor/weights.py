"""Models with their hashes, the face detector, and what the perceptual distance needs."""

from __future__ import annotations

import os
from pathlib import Path

from server.doctor.finding import Finding, Level


def models(checkpoints_dir: Path) -> list[Finding]:
    """Every bundle, read and hashed; one usable model must be there."""
    from models.manifest import MANIFEST_FILE
    from server.checkpoints.folder import verify_bundle

    if not checkpoints_dir.is_dir():
        advice = "Set LATENTLOOM_CHECKPOINTS_DIR to the folder of models."
        return [Finding("models", "fail", f"{checkpoints_dir} is no folder", advice)]
    found = []
    for manifest in sorted(checkpoints_dir.glob(f"*/{MANIFEST_FILE}")):
        wrong = [checked for checked in verify_bundle(manifest.parent) if checked.problem]
        name = f"model {manifest.parent.name}"
        if wrong:
            advice = f"Fetch it again: latentloom checkpoints remove {manifest.parent.name}, then add."
            found.append(Finding(name, "fail", f"{wrong[0].file}: {wrong[0].problem}", advice))
        else:
            found.append(Finding(name, "ok", "all hashes are right"))
    if not found:
        advice = "latentloom checkpoints list --available shows models that can be added."
        return [Finding("models", "warn", f"{checkpoints_dir} holds no bundle", advice)]
    return found


def face_detector(checkpoints_dir: Path) -> Finding:
    """Needed for photos only."""
    from models.projection.detection import DetectorError, load_face_detector

    path = checkpoints_dir / "face-detector" / "mtcnn.safetensors"
    try:
        load_face_detector(path, "cpu")
    except (DetectorError, OSError) as error:
        advice = "Copy checkpoints/face-detector of the repository there; without it photos are refused."
        return Finding("face detector", "warn", str(error), advice)
    return Finding("face detector", "ok", "present")


def perceptual(asked: str) -> Finding:
    """Whether LPIPS has its trunk already. Nothing is downloaded."""
    from models.projection.trunks import OFFLINE_SWITCH, TRUNKS

    present = [name for name, trunk in TRUNKS.items() if trunk.path.is_file()]
    trunk = asked.removeprefix("lpips-")
    if asked == "efficientnet-lite0":
        return Finding("perceptual distance", "ok", "efficientnet-lite0, which comes with the installation")
    if trunk in present or (asked == "auto" and present):
        return Finding("perceptual distance", "ok", f"LPIPS; trunks on this machine: {', '.join(present)}")
    folder = next(iter(TRUNKS.values())).path.parent
    if asked == "auto":
        advice = f"For LPIPS without a network, put a trunk of torchvision into {folder}."
        detail = "LPIPS if its trunk can be downloaded at the start, else efficientnet-lite0"
        return Finding("perceptual distance", "warn", detail, advice)
    level: Level = "fail" if os.environ.get(OFFLINE_SWITCH) else "warn"
    return Finding("perceptual distance", level, f"{asked} has no trunk here yet", f"Put it into {folder}.")
