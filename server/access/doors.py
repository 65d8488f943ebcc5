"""Whether a server may be reached by other machines as its settings have it: only behind a token."""

from __future__ import annotations

from server.access.tokens import is_good_token
from server.settings import Settings

MADE_BY = "`latentloom token` makes one"


def refusal_to_serve(settings: Settings, reachable_at: str | None) -> str | None:
    """Why a server must not start, in a sentence; None where it may. reachable_at: the address at which other
    machines can reach it, if they can.
    """
    token = settings.token.get_secret_value() if settings.token else None
    if token is not None and not is_good_token(token):
        return (
            "Refusing to start: LATENTLOOM_TOKEN needs 24 characters or more, letters, digits and ._~+/=- "
            f"only; {MADE_BY}."
        )
    if reachable_at is not None and token is None and settings.token_file is None:
        return (
            f"Refusing to listen on {reachable_at} without LATENTLOOM_TOKEN, because other machines could "
            f"reach it; {MADE_BY}."
        )
    return None
