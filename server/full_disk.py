"""What a full disk looks like to a program that writes."""

from __future__ import annotations

import errno


def is_full_disk(error: BaseException | None) -> bool:
    """Whether that is why something could not be written: no room, or none of one's own."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
