"""What can be wrong with an edit. Every message is one sentence for the person who asked for it."""

from __future__ import annotations


class EditError(ValueError):
    """An edit that cannot be made; nothing has been changed."""


class UnknownAttribute(EditError):
    """A name that is none of the 17 attributes."""


class ValueOutOfRange(EditError):
    """A number that is not finite, or lies beyond what the attribute can be."""


class FlowDoesNotFit(EditError):
    """A flow and a generator whose sizes differ."""


class BadDirection(EditError):
    """A direction that this generator cannot take."""
