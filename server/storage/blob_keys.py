"""The key of a blob is the sha256 of what it holds, in 64 small hexadecimal digits."""

from __future__ import annotations

import hashlib
import logging
import re

from server.problems import Problem

log = logging.getLogger(__name__)
KEY = re.compile(r"[0-9a-f]{64}")


def key_of(data: bytes) -> str:
    """The key under which data is stored."""
    return hashlib.sha256(data).hexdigest()


def checked_key(key: str) -> str:
    """The key itself, which is a name that no path can be made of. Raises ValueError."""
    if not KEY.fullmatch(key):
        raise ValueError("not a blob key")
    return key


def checked_content(key: str, data: bytes) -> bytes:
    """data itself. Raises Problem stored_file_lost where it is not what was stored under key."""
    if key_of(data) != key:
        log.error("the stored file %s is damaged: its content has another hash", key)
        raise Problem("stored_file_lost", "A stored file is damaged.", "Restore it from a backup.")
    return data


def lost(key: str) -> Problem:
    """For a blob that is named and not there."""
    log.error("the stored file %s is missing", key)
    return Problem("stored_file_lost", "A stored file is missing.", "Restore it from a backup.")
