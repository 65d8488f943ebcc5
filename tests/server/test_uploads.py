"""Uploaded bytes become a safe picture, or a problem that says what is wrong."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest
import skimage.data
from PIL import Image, PngImagePlugin

from server.problems import Problem
from server.settings import Settings
from server.uploads import KEPT_SIDE, read_photo, safe_name
from tests.server.harness import Json, encoded, serving

RED = (250, 10, 10)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def code_of(data: bytes) -> str:
    with pytest.raises(Problem) as refused:
        read_photo(data)
    return refused.value.code


def plain(size: tuple[int, int] = (100, 80), mode: str = "RGB", color: object = RED) -> Image.Image:
    return Image.new(mode, size, color)  # type: ignore[arg-type]


def is_red(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bool:
    return bool(np.abs(rgb.reshape(-1, 3).mean(axis=0) - RED).max() < 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just text",
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        b"%PDF-1.7\n",
        b"GIF89a" + bytes(100),
        encoded(Image.new("RGB", (100, 100)), "GIF"),
        encoded(Image.new("RGB", (100, 100)), "TIFF"),
    ],
    ids=["empty", "text", "html", "svg", "eps", "pdf", "gif header", "gif", "tiff"],
)
def test_other_files_are_no_pictures_whatever_they_are_called(data: bytes) -> None:
    assert code_of(data) == "unsupported_image"


@pytest.mark.parametrize("size", [(9000, 9000), (13000, 13000), (20000, 20000), (8193, 100), (2**31 - 1, 1)])
def test_the_size_in_the_header_is_enough_to_refuse(size: tuple[int, int]) -> None:
    assert code_of(png_header(*size)) == "image_too_many_pixels"


def test_a_webp_with_a_long_side_is_refused() -> None:
    assert code_of(encoded(plain((8200, 64)), "WEBP")) == "image_too_many_pixels"


@pytest.mark.parametrize("size", [(1, 1), (1, 8000), (63, 64)])
def test_a_picture_below_64_pixels_is_too_small(size: tuple[int, int]) -> None:
    assert code_of(encoded(plain(size), "PNG")) == "image_too_small"


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_is_damaged(format_: str) -> None:
    noise = np.random.RandomState(0).randint(0, 255, (200, 200, 3), np.uint8)
    data = encoded(Image.fromarray(noise), format_)
    assert code_of(data[: len(data) // 2]) == "image_damaged"


@pytest.mark.parametrize(
    "start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x10\x00\x00WEBPVP8 "]
)
def test_random_bytes_after_a_good_start_are_damaged(start: bytes) -> None:
    assert code_of(start + np.random.RandomState(0).bytes(5000)) == "image_damaged"


def test_a_compressed_text_that_unpacks_to_a_gigabyte_is_refused() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Comment", "A" * 200_000_000, zip=True)
    data = encoded(plain(), "PNG", pnginfo=text)
    assert len(data) < 1_000_000
    assert code_of(data) == "image_damaged"


@pytest.mark.parametrize(
    "data",
    [
        encoded(plain(), "PNG"),
        encoded(plain(), "WEBP", quality=95),
        encoded(plain(mode="RGBA", color=(*RED, 255)), "PNG"),
        encoded(plain().quantize(), "PNG"),
        encoded(plain().convert("CMYK"), "JPEG", quality=95),
    ],
    ids=["rgb", "webp", "rgba", "palette", "cmyk"],
)
def test_any_mode_becomes_rgb(data: bytes) -> None:
    picture = read_photo(data)
    assert picture.rgb.shape == (80, 100, 3)
    assert is_red(picture.rgb)


def test_sixteen_bits_of_grey_become_eight() -> None:
    grey = Image.fromarray(np.full((80, 100), 40_000, np.uint16))
    assert abs(float(read_photo(encoded(grey, "PNG")).rgb.mean()) - 40_000 / 257) < 1


def test_what_is_transparent_lies_on_white() -> None:
    clear = encoded(plain(mode="RGBA", color=(*RED, 0)), "PNG")
    assert float(read_photo(clear).rgb.mean()) > 253
    palette = encoded(plain().quantize(), "PNG", transparency=0)
    assert float(read_photo(palette).rgb.mean()) > 253


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_an_animation_is_its_first_frame(format_: str) -> None:
    others = [plain(color=(0, 0, 250)) for _ in range(20)]
    data = encoded(plain(), format_, save_all=True, append_images=others, duration=10)
    assert is_red(read_photo(data).rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_put_upright(orientation: int) -> None:
    upright = Image.fromarray(skimage.data.astronaut()).resize((160, 120))
    stored = upright
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse of each, in Pillow's numbers
    if orientation in undo:
        stored = upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_photo(encoded(stored, "JPEG", quality=97, exif=exif))
    assert picture.rgb.shape == (120, 160, 3)
    difference = picture.rgb.astype(int) - np.asarray(upright).astype(int)
    assert float(np.abs(difference).mean()) < 4


def test_what_is_kept_has_no_metadata_and_a_bounded_size() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    data = encoded(
        plain((4000, 1000)), "JPEG", exif=exif, comment=b"where I live", icc_profile=b"where I live"
    )
    picture = read_photo(data)
    with Image.open(io.BytesIO(picture.jpeg)) as kept:
        assert kept.size == (KEPT_SIDE, KEPT_SIDE // 4)
        assert np.array_equal(np.asarray(kept), picture.rgb)
        assert not kept.getexif()
    assert b"where I live" not in picture.jpeg


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("me.jpg", "me.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.jpg", "me.jpg"),
        ("a\x00b\r\nc\u202egpj.exe", "abcgpj.exe"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("x" * 10_000, "x" * 120),
        ("", "photo"),
        (None, "photo"),
        ("\u202e", "photo"),
    ],
)
def test_a_file_name_is_only_a_label(name: str | None, label: str) -> None:
    assert safe_name(name) == label


def test_a_photo_comes_back_with_its_face(photo: Json, client: httpx.Client) -> None:
    assert (photo["name"], photo["width"], photo["height"]) == ("photo.jpg", 512, 512)
    (face,) = photo["faces"]
    x0, y0, x1, y1 = face["box"]
    assert 100 < x0 < 224 < x1 < 350
    assert 20 < y0 < 120 < y1 < 250
    image = client.get(photo["image_url"])
    assert image.headers["content-type"] == "image/jpeg"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert image.headers["content-disposition"] == f'inline; filename="{photo["id"]}.jpg"'
    crop = client.get(face["crop_url"])
    assert crop.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(crop.content)) as aligned:
        assert aligned.size == (256, 256)
    assert client.get(face["crop_url"].replace("face=0", "face=1")).json()["code"] == "unknown_face"


def test_a_session_lists_its_photos(photo: Json, client: httpx.Client, session: Json) -> None:
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["photos"] == [photo]


def test_two_faces_are_both_found_largest_first_and_one_is_chosen(
    upload: Callable[..., httpx.Response], client: httpx.Client
) -> None:
    astronaut = Image.fromarray(skimage.data.astronaut())
    both = Image.new("RGB", (900, 512), "gray")
    both.paste(astronaut.resize((350, 350)), (0, 100))
    both.paste(astronaut, (388, 0))
    answer = upload(encoded(both, "PNG"))
    assert answer.status_code == 201
    photo = answer.json()
    first, second = photo["faces"]
    assert first["box"][0] > 388 > second["box"][2]
    assert photo["alignment"] == first["alignment"]
    chosen = client.put(f"/api/v1/photos/{photo['id']}/alignment", json={"face": 1}).json()
    assert (chosen["alignment"], chosen["by_hand"]) == (second["alignment"], False)


@pytest.mark.parametrize("photo", ["cat", "coffee"])
def test_in_a_photo_without_a_face_the_middle_is_suggested(
    upload: Callable[..., httpx.Response], client: httpx.Client, session: Json, photo: str
) -> None:
    picture = skimage.data.chelsea() if photo == "cat" else skimage.data.coffee()
    answer = upload(encoded(Image.fromarray(picture), "JPEG"))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["faces"], body["by_hand"]) == ([], False)
    corners = np.array(body["alignment"]["corners"])
    assert np.allclose(np.ptp(corners, axis=0), picture.shape[0])
    asked = {"photo": body["id"], "model": "tiny", "steps": 1}
    refused = client.post(f"/api/v1/sessions/{session['id']}/projections", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_face")
    assert refused.json()["hint"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"this is a text file", 415, "unsupported_image"),
        (png_header(20_000, 20_000), 413, "image_too_many_pixels"),
        (encoded(Image.fromarray(skimage.data.astronaut()), "JPEG")[:9000], 422, "image_damaged"),
        (encoded(plain((10, 10)), "PNG"), 422, "image_too_small"),
    ],
    ids=["text", "bomb", "cut off", "small"],
)
def test_a_refused_photo_leaves_the_session_as_it_was(
    upload: Callable[..., httpx.Response],
    client: httpx.Client,
    session: Json,
    data: bytes,
    status: int,
    code: str,
) -> None:
    answer = upload(data, "holiday.jpg", "image/png")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(f"/api/v1/sessions/{session['id']}").json() == session


def test_without_the_face_detector_photos_are_refused_plainly(
    settings: Settings, checkpoints: Path, tmp_path: Path, astronaut: bytes
) -> None:
    shutil.copytree(checkpoints / "tiny", tmp_path / "only" / "tiny")
    with serving(settings.model_copy(update={"checkpoints_dir": tmp_path / "only"})) as server:
        with server.client() as client:
            session = client.post("/api/v1/sessions").json()
            url = f"/api/v1/sessions/{session['id']}/photos"
            answer = client.post(url, files={"file": ("a.jpg", astronaut)})
    assert (answer.status_code, answer.json()["code"]) == (503, "face_detector_missing")
    assert "face-detector" in answer.json()["hint"]
    assert str(tmp_path) not in answer.text


def test_a_photo_needs_a_session(client: httpx.Client, astronaut: bytes) -> None:
    answer = client.post(f"/api/v1/sessions/{uuid4()}/photos", files={"file": ("a.jpg", astronaut)})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_session")
