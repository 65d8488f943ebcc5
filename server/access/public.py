"""What is answered without a token: whether the server lives, and what the login page is made of."""

from __future__ import annotations

from starlette.types import Scope

from server.origins import header_values

HEALTH = ("/healthz", "/readyz")
LOGIN_PAGE_FILES = (
    "/login.html",
    "/login.js",
    "/language.js",
    "/languages/en.js",
    "/languages/ko.js",
    "/login.css",
    "/style.css",
    "/controls.css",
    "/theme.js",
    "/favicon.svg",
)
LOGIN = "/api/v1/login"


def is_public(scope: Scope) -> bool:
    """Exact paths only; whatever is not named here needs a token."""
    if scope["type"] != "http":
        return False
    if scope["path"] == LOGIN:
        return bool(scope["method"] == "POST")
    return scope["method"] in ("GET", "HEAD") and scope["path"] in (*HEALTH, *LOGIN_PAGE_FILES)


def is_navigation(scope: Scope) -> bool:
    """Whether a person opens this address in a browser."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    modes = header_values(scope["headers"], b"sec-fetch-mode")
    accepted = header_values(scope["headers"], b"accept")
    return modes == ["navigate"] or (not modes and any("text/html" in value for value in accepted))
