"""What a file is, from its first bytes: which reader it needs, or one sentence on why none can read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from models.weights import CheckpointError

Container = Literal["safetensors", "zip", "stream", "pickle"]
ZIP_MAGIC = b"PK\x03\x04"
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickle of the number 0x1950a86a20f9469cfc6c
HEAD_BYTES = 4096
WHAT_WORKS = (
    "what can be loaded is a StyleGAN2 network (NVIDIA's .pkl, rosinality's .pt or our .safetensors)"
    " or StyleFlow's flow (.pt)"
)
_LARGEST_HEADER = 2**40  # of a safetensors file, or one that is cut off; text in its place is far above

# First bytes -> what such a file is called.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x89HDF", "an HDF5 file, as Keras writes it"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF language model"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)
_DIFFUSION = (
    *("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "down_blocks.", "double_blocks."),
    *("transformer_blocks.", "single_blocks.", "joint_blocks.", "conditioner.embedders."),
)
_LORA = ("lora_", ".lora.", "_lora.", ".hada_", ".lokr_")


def recognise(head: bytes, size: int) -> Container:
    """The container of a file with these first bytes (HEAD_BYTES of them or all) and this size.

    Raises CheckpointError that says what the file is and what would work.
    """
    if size == 0:
        raise CheckpointError("It is empty; download or copy it again.")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < _LARGEST_HEADER:
        return "safetensors"
    if head.startswith(ZIP_MAGIC):
        return "zip"
    if head.startswith(LEGACY_MAGIC):
        return "stream"
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return "pickle"
    raise CheckpointError(_refusal(head))


def describe_tensors(names: Iterable[str]) -> str:
    """A sentence on a file of tensors that no reader knows, from their names."""
    names = list(names)[:5000]
    if any(sign in name for name in names for sign in _LORA):
        return f"It is a LoRA, an addition to a diffusion model; {WHAT_WORKS}."
    if any(name.startswith(_DIFFUSION) or f".{_DIFFUSION[3]}" in name for name in names):
        return f"It is a diffusion model; {WHAT_WORKS}."
    if any("progression." in name or ".adain" in name or "style_mod" in name for name in names):
        return f"It is a StyleGAN1 or ProGAN network; {WHAT_WORKS}."
    shown = f" (its first is {ascii(names[0])[:60]})" if names else ""
    return f"Its tensors{shown} are not those of a network that can be loaded; {WHAT_WORKS}."


def _refusal(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        return "It is a Git LFS pointer, not the file it stands for; fetch that with git lfs pull."
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "It is a web page, saved in place of the file; download the checkpoint itself in a browser."
    if start.startswith((b"<?xml", b"<svg")):
        return f"It is an XML document; {WHAT_WORKS}."
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return f"It is a WebP picture, not a checkpoint; {WHAT_WORKS}."
    if head[257:262] == b"ustar":
        return "It is a tar archive; unpack it and choose the checkpoint in it."
    for magic, name in _MAGIC:
        if head.startswith(magic):
            advice = "unpack it and choose the checkpoint in it" if "archive" in name else WHAT_WORKS
            return f"It is {name}, not a checkpoint; {advice}."
    if _is_text(head):
        return f"It is a text file, not a checkpoint; {WHAT_WORKS}."
    return f"It is no checkpoint of a kind that is known here; {WHAT_WORKS}."


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not merely a character cut off at the end
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
