"""Attacks 1 to 8: what is uploaded as a photo."""

from __future__ import annotations

import io
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFile, PngImagePlugin

from tests.server.harness import Json, RunningServer, encoded

LIMIT = 20 * 2**20  # bytes of an upload
ROOM = 30 * 2**20  # bytes of memory that a refused upload may cost
PACKED = zlib.compress(bytes(40 * 2**20))  # hardly anything, until somebody unpacks it
JPEG = encoded(Image.fromarray(skimage.data.astronaut()), "JPEG")

Upload = Callable[..., httpx.Response]


def png(size: tuple[int, int], depth: int, colour: int, rows: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these rows, with further chunks before them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    further = b"".join(chunk(kind, data) for kind, data in more)
    body = chunk(b"IDAT", zlib.compress(rows, 9)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + header + further + body + chunk(b"IEND", b"")


def memory(field: str) -> int:
    """Bytes of this process, which the server runs in: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


@pytest.fixture
def in_little_memory() -> Iterator[None]:
    """What the test does may never hold more than ROOM more than before."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest until now
    before = memory("VmRSS")
    yield
    assert memory("VmHWM") - before < ROOM


@pytest.fixture
def refused(
    server: RunningServer, client: httpx.Client, session: Json, upload: Upload
) -> Callable[..., httpx.Response]:
    """Upload what must be refused; nothing of it may stay."""
    blobs = server.app.state.services.blobs.folder

    def send(data: bytes, status: int, code: str, kind: str = "image/png") -> httpx.Response:
        before = {path for path in blobs.rglob("*") if path.is_file()}
        answer = upload(data, "photo.png", kind)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert {path for path in blobs.rglob("*") if path.is_file()} == before
        assert client.get(f"/api/v1/sessions/{session['id']}").json() == session
        return answer

    return send


def test_case_1_an_upload_that_says_it_is_too_large_is_refused_before_it_comes(
    server: RunningServer, client: httpx.Client, session: Json, upload: Upload
) -> None:
    head = (
        f"POST /api/v1/sessions/{session['id']}/photos HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Content-Length: {LIMIT + 2**20}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head.encode())  # and not a byte of the body
        answer = b""
        while b"body_too_large" not in answer:
            part = connection.recv(65536)
            assert part, answer
            answer += part
    assert answer.startswith(b"HTTP/1.1 413")
    assert client.get(f"/api/v1/sessions/{session['id']}").json() == session
    assert upload(JPEG).status_code == 201


@pytest.mark.usefixtures("in_little_memory")
def test_case_2_an_upload_of_unsaid_size_is_refused_at_the_limit(client: httpx.Client, session: Json) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(25):
            yield bytes(2**20)

    url = f"/api/v1/sessions/{session['id']}/photos"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post(url, content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        b"%PDF-1.7\n",
    ],
    ids=["empty", "html", "svg", "eps", "pdf"],
)
def test_case_3_what_a_file_says_of_itself_does_not_count(
    refused: Callable[..., httpx.Response], data: bytes
) -> None:
    assert refused(data, 415, "unsupported_image").json()["detail"] == "Send a PNG, JPEG or WebP picture."


@pytest.mark.parametrize("side", [9000, 13_000, 20_000])
@pytest.mark.usefixtures("in_little_memory")
def test_case_4_a_bomb_is_refused_by_its_header_and_never_decoded(
    refused: Callable[..., httpx.Response], monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    def decoded(_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    rows = bytes(side * (1 + side // 8))  # one bit a pixel: a few kilobytes hold all of it
    bomb = png((side, side), 1, 0, rows)
    assert len(bomb) < 100_000
    refused(bomb, 413, "image_too_many_pixels")


@pytest.mark.parametrize(
    "data",
    [
        JPEG[: len(JPEG) // 2],
        b"\xff\xd8\xff\xe0" + np.random.RandomState(0).bytes(5000),
        b"\x89PNG\r\n\x1a\n" + np.random.RandomState(1).bytes(5000),
        b"RIFF\x00\x10\x00\x00WEBPVP8 " + np.random.RandomState(2).bytes(5000),
        png((100, 100), 8, 2, bytes(3000)),
    ],
    ids=["cut off", "jpeg", "png", "webp", "too few rows"],
)
def test_case_5_a_damaged_picture_is_refused(refused: Callable[..., httpx.Response], data: bytes) -> None:
    refused(data, 422, "image_damaged")


def animation(format_: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), (250, i % 250, i // 250)) for i in range(400)]
    return encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=10)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.new("RGB", (100, 80), "red"), "JPEG", exif=exif)


def sixteen_bits(colour: int, channels: int) -> bytes:
    row = b"\0" + struct.pack(f">{channels}H", *[60_000] * channels) * 100
    return png((100, 80), 16, colour, row * 80)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (animation("PNG"), (64, 64)),
        (animation("WEBP"), (64, 64)),
        (sixteen_bits(0, 1), (100, 80)),
        (sixteen_bits(2, 3), (100, 80)),
        (sixteen_bits(4, 2), (100, 80)),
        (sixteen_bits(6, 4), (100, 80)),
        (encoded(Image.new("CMYK", (100, 80)), "JPEG"), (100, 80)),
        (encoded(Image.new("RGB", (100, 80)).quantize(), "PNG", transparency=0), (100, 80)),
        (encoded(Image.new("1", (100, 80)), "PNG"), (100, 80)),
        (turned(), (80, 100)),
    ],
    ids=["apng", "webp", "grey16", "rgb16", "la16", "rgba16", "cmyk", "palette", "bits", "turned"],
)
def test_case_6_every_kind_of_picture_is_taken_upright_and_by_its_first_frame(
    upload: Upload, client: httpx.Client, data: bytes, size: tuple[int, int]
) -> None:
    answer = upload(data, "a", "application/octet-stream")
    assert answer.status_code == 201, answer.text
    photo = answer.json()
    assert (photo["width"], photo["height"]) == size
    with Image.open(io.BytesIO(client.get(photo["image_url"]).content)) as kept:
        assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", size)


@pytest.mark.parametrize("size", [(1, 1), (1, 8000)])
def test_case_6_a_picture_too_small_for_a_face_is_refused(
    refused: Callable[..., httpx.Response], size: tuple[int, int]
) -> None:
    refused(encoded(Image.new("RGB", size), "PNG"), 422, "image_too_small")


@pytest.mark.usefixtures("in_little_memory")
@pytest.mark.parametrize("kind", [b"iCCP", b"iTXt", b"zTXt"])
def test_case_7_what_unpacks_without_end_in_a_chunk_is_refused(
    refused: Callable[..., httpx.Response], kind: bytes
) -> None:
    before = {b"iCCP": b"p\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"zTXt": b"Comment\0\0"}[kind]
    assert 1000 * len(PACKED) < 40 * PngImagePlugin.MAX_TEXT_CHUNK
    rows = (b"\0" + bytes(300)) * 100
    refused(png((100, 100), 8, 2, rows, (kind, before + PACKED)), 422, "image_damaged")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("<img src=x onerror=pwned=1>", "<img src=x onerror=pwned=1>"),
        ("a\x00b.jpg", "ab.jpg"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("x" * 4000, "x" * 120),
    ],
    ids=["path", "html", "nul", "direction", "long"],
)
def test_case_8_a_file_name_is_a_label_and_no_more(
    server: RunningServer, client: httpx.Client, session: Json, name: str, label: str
) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    answer = client.post(
        f"/api/v1/sessions/{session['id']}/photos",
        content=head.encode() + JPEG + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == label
    named = [path.name for path in server.app.state.services.settings.data_dir.rglob("*")]
    assert not any(part in path for path in named for part in ("passwd", "onerror", "exe"))
