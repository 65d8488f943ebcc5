"""Who comes in: the user behind a request's bearer token or cookie."""

from __future__ import annotations

import hmac
import logging
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from server.access.tokens import Entry, TokenFileError, User, read_token_file, token_hash
from server.origins import HeaderList, header_values

log = logging.getLogger(__name__)

COOKIE_AGE_S = 30 * 24 * 3600
EVERYBODY = User()


class Admission:
    """Open to everybody where neither a token nor a token file is set. Else only tokens open it, and a token
    file without users lets nobody in. The file is read again whenever it was changed.
    """

    def __init__(self, token: str | None, token_file: Path | None) -> None:
        """Raises TokenFileError."""
        self._own = () if token is None else (Entry(EVERYBODY, token_hash(token)),)
        self._file = token_file
        self._signature = _signature(token_file)
        self._listed = read_token_file(token_file) if token_file else ()

    @property
    def is_open(self) -> bool:
        """Whether no token is needed."""
        return not self._own and self._file is None

    def user_with(self, token: str) -> User | None:
        """The user whose token this is. Takes as long for a wrong token as for any."""
        hashed, found = token_hash(token), None
        for entry in self._entries():
            if hmac.compare_digest(entry.sha256, hashed):
                found = entry.user
        return found

    def user_of(self, headers: HeaderList) -> User | None:
        """Who sends this request; None for nobody that is known here."""
        if self.is_open:
            return EVERYBODY
        token = bearer_token(headers)
        if token is None:
            token = _cookie_token(headers)
        return None if token is None else self.user_with(token)

    def _entries(self) -> tuple[Entry, ...]:
        signature = _signature(self._file)
        if self._file is not None and signature != self._signature:
            self._signature = signature
            try:
                self._listed = read_token_file(self._file)
            except TokenFileError as error:
                log.error("%s Nobody on it is let in until it can be read.", error)
                self._listed = ()
        return self._own + self._listed


def bearer_token(headers: HeaderList) -> str | None:
    """The token of `Authorization: Bearer …`."""
    values = header_values(headers, b"authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def cookie_name(headers: HeaderList) -> str:
    """With the port, because cookies do not tell servers on the same host apart."""
    hosts = header_values(headers, b"host")
    port = hosts[0].rpartition(":")[2] if hosts else ""
    return f"latentloom_{port}" if port.isdigit() else "latentloom"


def _cookie_token(headers: HeaderList) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    try:
        for value in header_values(headers, b"cookie"):
            cookies.load(value)
    except CookieError:
        return None
    found = cookies.get(cookie_name(headers))
    return found.value if found is not None and found.value else None


def _signature(path: Path | None) -> tuple[int, int, int] | None:
    """Differs whenever the file was replaced or changed; None where there is none."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None
