"""The registry of public checkpoints: each entry that is shipped, and what a registry may not say."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from models.manifest import parse_manifest
from server.checkpoints.fetching import expectation
from server.checkpoints.lock import LOCK_FILE, Recorded, read_lock, record
from server.checkpoints.registry import REGISTRY_FILE, Entry, RegistryError, read_registry, registry_of

SHIPPED = read_registry(Path(__file__).resolve().parents[2] / "checkpoints" / REGISTRY_FILE)
PUBLISHERS = {"nvlabs-fi-cdn.nvidia.com", "api.ngc.nvidia.com", "github.com"}
LICENCE = """
[licences.free]
name = "Free"
url = "https://example.com/licence"
non_commercial = false
"""
ENTRY = {
    "name": '"tiny"',
    "title": '"Tiny"',
    "kind": '"nvidia-pickle"',
    "url": '"https://example.com/tiny.pkl"',
    "homepage": '"https://example.com/"',
    "licence": '"free"',
    "resolution": "32",
    "img_channels": "3",
}
RECORDED = Recorded(url="https://example.com/tiny.pkl", sha256="b" * 64, bytes=9)


def registry_text(**changes: str | None) -> str:
    fields = {key: value for key, value in {**ENTRY, **changes}.items() if value is not None}
    lines = "".join(f"{key} = {value}\n" for key, value in fields.items())
    return f"version = 1\n{LICENCE}\n[[checkpoints]]\n{lines}"


def refusal(folder: Path, text: str) -> str:
    path = folder / REGISTRY_FILE
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError) as caught:
        read_registry(path)
    message = str(caught.value)
    assert message.startswith(f"The registry {path} is wrong: ")
    assert "\n" not in message
    return message.partition(" is wrong: ")[2]


def only_entry(folder: Path, **changes: str | None) -> Entry:
    path = folder / REGISTRY_FILE
    path.write_text(registry_text(**changes), encoding="utf-8")
    (entry,) = read_registry(path).entries.values()
    return entry


@pytest.mark.parametrize("entry", SHIPPED.entries.values(), ids=lambda entry: entry.name)
def test_a_shipped_entry_can_become_a_bundle(entry: Entry) -> None:
    values = {"name": entry.name, "title": entry.title, "description": entry.note or ""}
    values["licence"] = SHIPPED.licence(entry).text
    generator = {"file": "generator.safetensors", "sha256": "0" * 64}
    manifest = parse_manifest(
        {**values, "generator": generator, "default_psi": entry.default_psi, "seeds": []}
    )
    assert manifest.name == entry.name
    assert 0 < entry.default_psi <= 1


@pytest.mark.parametrize("entry", SHIPPED.entries.values(), ids=lambda entry: entry.name)
def test_a_shipped_entry_says_from_whom_it_is_and_what(entry: Entry) -> None:
    if entry.url is None:
        assert entry.by_hand is not None
    else:
        assert urlsplit(entry.url).scheme == "https"
        assert urlsplit(entry.url).hostname in PUBLISHERS
    assert Path(entry.file_name).suffix in (".pkl", ".pt")
    assert SHIPPED.licence(entry).non_commercial
    if not entry.is_flow:
        assert entry.resolution is not None
        assert entry.resolution.bit_count() == 1
        assert entry.img_channels == 3


def test_no_two_shipped_entries_are_the_same_file() -> None:
    entries = SHIPPED.entries.values()
    urls = [entry.url or entry.by_hand for entry in entries]
    assert len(set(urls)) == len(urls)
    hashes = [entry.sha256 for entry in entries if entry.sha256]
    assert len(set(hashes)) == len(hashes) == 2


def test_the_registry_has_what_people_look_for() -> None:
    titles = " ".join(entry.title for entry in SHIPPED.entries.values())
    looked_for = ("FFHQ 1024", "FFHQ 512", "FFHQ 256", "cars", "cats", "churches", "AFHQ", "MetFaces", "flow")
    assert not [word for word in looked_for if word not in titles]


def test_an_entry_without_hash_is_allowed_and_says_so(tmp_path: Path) -> None:
    entry = only_entry(tmp_path)
    assert (entry.sha256, entry.bytes, entry.default_psi, entry.file_name) == (None, None, 0.7, "tiny.pkl")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"colour": '"red"'}, "checkpoints 0 colour: Extra inputs are not permitted"),
        ({"name": None}, "checkpoints 0 name: Field required"),
        ({"name": '"../tiny"'}, "checkpoints 0 name: "),
        ({"name": '"Tiny"'}, "checkpoints 0 name: "),
        ({"name": '"tiny\\n"'}, "checkpoints 0 name: "),
        ({"title": '"Ti\\u001b[2Jny"'}, "checkpoints 0 title: one line of text is needed"),
        ({"kind": '"stylegan3"'}, "checkpoints 0 kind: "),
        ({"url": '"http://example.com/tiny.pkl"'}, "checkpoints 0 url: an https address is needed"),
        ({"url": '"file:///etc/passwd"'}, "checkpoints 0 url: an https address is needed"),
        ({"url": '"https://example.com/"'}, "checkpoints 0: the url must end in a plain file name"),
        ({"url": None}, "checkpoints 0: either url, or by_hand and file, is needed"),
        ({"by_hand": '"https://example.com/x"'}, "checkpoints 0: either url, or by_hand and file, is needed"),
        ({"resolution": '"32"'}, "checkpoints 0 resolution: "),
        ({"resolution": None}, "checkpoints 0: a generator has resolution and img_channels, and no w_dim"),
        ({"resolution": "0"}, "checkpoints 0 resolution: "),
        ({"resolution": "true"}, "checkpoints 0 resolution: "),
        ({"kind": '"styleflow-pt"'}, "checkpoints 0: a flow has w_dim"),
        ({"sha256": f'"{"A" * 64}"'}, "checkpoints 0 sha256: "),
        ({"sha256": '"abc"'}, "checkpoints 0 sha256: "),
        ({"bytes": "-1"}, "checkpoints 0 bytes: "),
        ({"default_psi": "nan"}, "checkpoints 0 default_psi: "),
        ({"licence": '"other"'}, "tiny names no licence of the file"),
    ],
)
def test_what_is_wrong_in_an_entry_is_named(
    tmp_path: Path, changes: dict[str, str | None], place: str
) -> None:
    assert refusal(tmp_path, registry_text(**changes)).startswith(place)


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    text = registry_text()
    assert refusal(tmp_path, text + text[text.index("[[checkpoints]]") :]) == "tiny is there twice."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "version: Field required"),
        ("version = 2", "version: "),
        ("version = 1\nmore = 3", "more: Extra inputs are not permitted"),
        ("version = ", "Invalid value"),
        ("version = 1 #" + "x" * 2**20, "it is larger than 1 MiB"),
        (LICENCE.replace("false", '"no"'), "version: Field required"),
        ("version = 1" + LICENCE.replace("false", '"no"'), "licences free non_commercial: "),
    ],
)
def test_a_file_that_is_no_registry_is_refused(tmp_path: Path, text: str, place: str) -> None:
    assert refusal(tmp_path, text).startswith(place)


def test_a_folder_may_have_a_registry_of_its_own(tmp_path: Path, repository: Path) -> None:
    assert registry_of(tmp_path) == repository / "checkpoints" / REGISTRY_FILE
    (tmp_path / REGISTRY_FILE).write_text("version = 1")
    assert registry_of(tmp_path) == tmp_path / REGISTRY_FILE


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / LOCK_FILE
    assert read_lock(path) == {}
    record(path, "tiny", RECORDED)
    other = RECORDED.model_copy(update={"sha256": "c" * 64})
    record(path, "a-b_2", other)
    record(path, "tiny", other)
    assert read_lock(path) == {"a-b_2": other, "tiny": other}


@pytest.mark.parametrize("text", ["[checkpoints.tiny]\nsha256 = 3", "=", "[checkpoints.Tiny]", "\xff\xfe"])
def test_a_damaged_record_is_an_error_and_not_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(RegistryError, match="is damaged; put it right, or delete it to record anew"):
        read_lock(tmp_path / LOCK_FILE)


def test_the_hash_of_the_registry_stands_above_what_was_recorded(tmp_path: Path) -> None:
    pinned = only_entry(tmp_path, sha256=f'"{"a" * 64}"')
    for allow_unpinned in (False, True):
        assert expectation(pinned, RECORDED, allow_unpinned=allow_unpinned).sha256 == "a" * 64


def test_a_recorded_hash_holds_for_its_own_address_until_it_is_overruled(tmp_path: Path) -> None:
    entry = only_entry(tmp_path)
    assert expectation(entry, None, allow_unpinned=False).sha256 is None
    assert expectation(entry, RECORDED, allow_unpinned=False).sha256 == "b" * 64
    assert expectation(entry, RECORDED, allow_unpinned=True).sha256 is None
    moved = only_entry(tmp_path, url='"https://example.com/2/tiny.pkl"')
    assert expectation(moved, RECORDED, allow_unpinned=False).sha256 is None
