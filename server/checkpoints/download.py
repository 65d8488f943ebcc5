"""Fetching one file over https: resumable, limited, and verified before it gets its name.

After an interruption the rest is asked for (RFC 9110: Range with If-Range). A server that cannot do that, or
whose file has changed meanwhile, makes it start from nothing.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from server.checkpoints.partial_file import BeingFetchedError, PartialFile
from server.checkpoints.registry import is_permitted
from server.version import product_version

_UNREACHABLE = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
Progress = Callable[[int, int | None], None]  # bytes so far, and of how many where that is known


class DownloadError(Exception):
    """A file that could not be fetched. The message is a sentence or two for the person who asked for it."""


class WrongFileError(DownloadError):
    """A file that is not the one that was asked for."""


@dataclass(frozen=True)
class DownloadLimits:
    """What a server may cost us."""

    max_bytes: int = 2 * 2**30  # more than that is not read, either
    max_redirects: int = 5
    connect_s: float = 20.0
    read_s: float = 60.0  # without a single byte
    attempts: int = 5  # connections in a row that bring nothing new
    pause_s: float = 1.0  # before the second attempt; twice as long before each further one


@dataclass(frozen=True)
class Downloaded:
    """A file that is whole."""

    path: Path
    sha256: str
    bytes: int


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    size: int | None,
    progress: Progress,
    limits: DownloadLimits | None = None,
) -> Downloaded:
    """Fetch url into target, which is replaced; sha256 and size are what the file has to have, if known.

    Raises DownloadError, and WrongFileError where the file is another one than sha256 or size say. After
    anything but a wrong sha256, KeyboardInterrupt included, what has arrived is kept for the next call.
    """
    if not is_permitted(url):
        raise DownloadError(f"{url} is not an https address; nothing was fetched.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PartialFile(target, url).held() as part:
            _fetch(part, _Wanted(url, size, limits or DownloadLimits(), progress))
            return _verified(part, target, sha256)
    except BeingFetchedError as error:
        raise DownloadError(f"{target.name} is being fetched by another process.") from error
    except OSError as error:
        raise DownloadError(_storage_problem(error, target)) from error


@dataclass(frozen=True)
class _Wanted:
    url: str
    size: int | None
    limits: DownloadLimits
    progress: Progress


class _InterruptedError(Exception):
    """Worth another attempt."""


def _fetch(part: PartialFile, wanted: _Wanted) -> None:
    """Until the partial file is whole."""
    limits = wanted.limits
    most, failures, reached = part.size, 0, False
    with _client(limits) as client:
        while True:
            try:
                return _attempt(client, part, wanted)
            except (_InterruptedError, httpx2.TransportError) as error:
                reached = reached or not isinstance(error, _UNREACHABLE)
                failures = 1 if part.size > most else failures + 1
                most = max(most, part.size)
                if failures >= limits.attempts or not reached:
                    raise DownloadError(_gave_up(part, error)) from error
                time.sleep(limits.pause_s * 2 ** (failures - 1))


def _client(limits: DownloadLimits) -> httpx2.Client:
    timeout = httpx2.Timeout(limits.read_s, connect=limits.connect_s)
    headers = {"User-Agent": f"latentloom/{product_version()}", "Accept-Encoding": "identity"}
    try:
        return httpx2.Client(timeout=timeout, headers=headers, follow_redirects=False)
    except (ImportError, ValueError) as error:  # what the environment says about proxies and certificates
        raise DownloadError(f"The network settings of this machine cannot be used: {error}") from error


def _attempt(client: httpx2.Client, part: PartialFile, wanted: _Wanted) -> None:
    """One connection. Raises _InterruptedError or httpx2.TransportError where another may bring the rest."""
    offset = part.size if part.version is not None else 0
    if offset and offset == part.total:
        return
    headers = {"Range": f"bytes={offset}-", "If-Range": part.version or ""} if offset else {}
    with _followed(client, wanted, headers) as response:
        status = response.status_code
        if status == 416 or (status == 206 and not _goes_on(response, part, offset)):
            part.restart(None, None)
            raise _InterruptedError("the file there is another one than the part of it that was here")
        if status not in (200, 206):
            raise _refusal(status, wanted.url)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(f"{_host(wanted.url)} sends the file packed, which was not asked for.")
        if status == 200:
            offset = 0
            part.restart(_version(response), _length(response))
        _check_size(part.total, wanted)
        _receive(response, part, offset, wanted)


@contextmanager
def _followed(client: httpx2.Client, wanted: _Wanted, headers: dict[str, str]) -> Iterator[httpx2.Response]:
    """The response at the end of the redirects, each of which must lead to an address that is permitted."""
    url, host = httpx2.URL(wanted.url), _host(wanted.url)
    for _ in range(wanted.limits.max_redirects + 1):
        with client.stream("GET", url, headers=headers) as response:
            if not response.has_redirect_location:
                yield response
                return
            try:
                further = url.join(response.headers["Location"])
            except httpx2.InvalidURL as error:
                raise DownloadError(f"{host} redirects to something that is no address.") from error
        if not may_lead_to(url, further):
            raise DownloadError(f"{host} redirects to {further}, which is not https; it was not followed.")
        url = further
    raise DownloadError(f"{host} redirects more than {wanted.limits.max_redirects} times.")


def may_lead_to(url: httpx2.URL, further: httpx2.URL) -> bool:
    """Whether a redirect is followed: to https, and from this machine's own http to that."""
    return is_permitted(str(further)) and (further.scheme == "https" or url.scheme == "http")


def _goes_on(response: httpx2.Response, part: PartialFile, offset: int) -> bool:
    """Whether a 206 brings the very rest, and of the version of which the part is."""
    version = _version(response)
    if part.version is not None and version not in (None, part.version):
        return False
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    bounds, _, total = span.partition("/")
    if unit != "bytes" or not total.isdecimal() or part.total not in (None, int(total)):
        return False
    part.total = int(total)
    return bool(bounds == f"{offset}-{part.total - 1}")


def _version(response: httpx2.Response) -> str | None:
    """What If-Range can compare: a strong entity tag, or else the date."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _length(response: httpx2.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _check_size(total: int | None, wanted: _Wanted) -> None:
    if total is None:
        return
    if wanted.size is not None and total != wanted.size:
        raise WrongFileError(
            f"The file at {wanted.url} has {total:,} bytes; the one that is wanted has {wanted.size:,}."
        )
    if total > wanted.limits.max_bytes:
        raise DownloadError(
            f"The file at {wanted.url} has {_shown(total)}, more than {_shown(wanted.limits.max_bytes)}."
        )


def _receive(response: httpx2.Response, part: PartialFile, offset: int, wanted: _Wanted) -> None:
    whole = part.total if part.total is not None else wanted.size
    if whole is not None and whole - offset > (free := shutil.disk_usage(part.path.parent).free):
        raise OSError(errno.ENOSPC, f"{_shown(whole - offset)} are needed, {_shown(free)} are free")
    most = whole if whole is not None else wanted.limits.max_bytes
    done = offset
    with part.path.open("r+b") as file:
        file.seek(offset)
        wanted.progress(done, whole)
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > most:
                raise DownloadError(f"{_host(wanted.url)} sends more than the {_shown(most)} of the file.")
            file.write(chunk)
            file.flush()  # what has arrived is kept whatever ends this process
            wanted.progress(done, whole)
    if whole is not None and done < whole:
        raise _InterruptedError("it ended early")


def _verified(part: PartialFile, target: Path, expected: str | None) -> Downloaded:
    """The hash is taken of what lies on the disk, after the last byte; then the file gets its name."""
    with part.path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if expected is not None and actual != expected:
        part.remove()
        raise WrongFileError(
            f"What {_host(part.url)} sent is not the {target.name} that is wanted: its sha256 is {actual},"
            f" not {expected}. It was deleted."
        )
    size = part.size
    part.complete()
    return Downloaded(target, actual, size)


def _refusal(status: int, url: str) -> Exception:
    if status in (404, 410):
        return DownloadError(f"There is no file at {url} (the server says {status}).")
    if status in (408, 425, 429) or status >= 500:
        return _InterruptedError(f"it says {status}")
    return DownloadError(f"{_host(url)} does not hand out {url} (it says {status}).")


def _gave_up(part: PartialFile, error: Exception) -> str:
    host, size = _host(part.url), part.size
    if isinstance(error, _UNREACHABLE):
        reason = f"{host} cannot be reached ({error}); is this machine online?"
    elif isinstance(error, httpx2.TimeoutException):
        reason = f"{host} stopped answering."
    else:
        reason = f"Fetching from {host} failed: {error}."
    if not size or part.version is None:
        return reason
    of = f" of {_shown(part.total)}" if part.total else ""
    return f"{reason} {_shown(size)}{of} are here: the same command goes on from there."


def _storage_problem(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"The disk with {target.parent} is full: {error.strerror}. What has arrived stays; when there is"
            " room, the same command goes on from there."
        )
    return f"{target} cannot be written: {error.strerror}."


def _host(url: str) -> str:
    return httpx2.URL(url).host


def _shown(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} bytes"
