"""The page as a person has it before them: what is on screen, and what a hand can do."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, Locator, Page, WebSocket, expect

# What a person would wait for; on a busy machine the page answers slowly, but it answers.
PATIENCE_MS = 60_000
SEARCH_PATIENCE_MS = 300_000
FRAME_HEADER = 32
PREVIEW, FINAL = 1, 2
# Chromium rounds the very first drawing on a canvas differently from all that follow.
ROUNDING = 1


@dataclass(frozen=True)
class Picture:
    """What the canvas shows, and the JPEG that it was drawn from."""

    pixels: NDArray[np.int16]  # [H, W, 3]
    jpeg: bytes

    def looks_like(self, other: Picture) -> bool:
        """Whether the screen is the same, but for rounding."""
        if self.pixels.shape != other.pixels.shape:
            return False
        return int(np.abs(self.pixels - other.pixels).max()) <= ROUNDING

    def is_identical_to(self, other: Picture) -> bool:
        """Whether the picture that came is the same to the last bit, and the screen shows it."""
        return self.jpeg == other.jpeg and self.looks_like(other)


def all_different(pictures: list[Picture]) -> bool:
    """Whether no two of them look alike."""
    return not any(a.looks_like(b) for i, a in enumerate(pictures) for b in pictures[:i])


@dataclass
class Studio:
    """One page, connected to one server."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # regular expressions of complaints that a test causes
    edits: list[tuple[int, str]] = field(default_factory=list)  # seq and quality, of the socket in use
    frames: dict[int, bytes] = field(default_factory=dict)  # JPEG by seq, of the socket in use

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("websocket", self._on_socket)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_socket(self, socket: WebSocket) -> None:
        self.edits.clear()
        self.frames.clear()
        socket.on("framesent", self._on_sent)
        socket.on("framereceived", self._on_received)

    def _on_sent(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["type"] == "edit":
            self.edits.append((message["seq"], message["quality"]))

    def _on_received(self, payload: str | bytes) -> None:
        if isinstance(payload, bytes) and payload[5] in (PREVIEW, FINAL):
            self.frames[int.from_bytes(payload[8:12], "little")] = payload[FRAME_HEADER:]

    def unexpected_complaints(self) -> list[str]:
        """What the console said that no test asked for."""
        return [
            line for line in self.complaints if not any(re.search(known, line) for known in self.expected)
        ]

    def part(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    @property
    def face(self) -> Locator:
        return self.part("face")

    def open(self) -> None:
        """Go to the page and wait for its face, with every slider where the face is."""
        self.page.goto(self.url)
        self.settle()
        expect(self.part("slider-age")).to_be_enabled()

    def reload(self) -> None:
        """As the browser's reload button."""
        self.page.reload()
        self.settle()
        expect(self.part("slider-age")).to_be_enabled()

    def settle(self) -> None:
        """Wait until the newest edit that was sent is on screen in full quality, and nothing follows."""
        expect(self.part("connection")).to_have_attribute("data-state", "open")
        expect(self.part("stage")).to_have_attribute("data-picture", re.compile("ready|busy|failed"))
        while True:
            self._let_the_page_send()
            seq, quality = self.edits[-1] if self.edits else (0, "")
            if quality == "final":
                expect(self.face).to_have_attribute("data-final-seq", str(seq))
                expect(self.part("stage")).to_have_attribute("data-picture", "ready")
                self._let_the_page_send()
                if self.edits[-1][0] == seq:
                    return
            self.page.wait_for_timeout(20)

    def _let_the_page_send(self) -> None:
        """Edits leave with the next animation frame."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def picture(self) -> Picture:
        """What is on screen now."""
        seq, url = self.face.evaluate(
            "(canvas) => [Number(canvas.dataset.seq), canvas.toDataURL('image/png')]"
        )
        while seq not in self.frames:
            self.page.wait_for_timeout(10)  # the report of the frame is still on its way to this process
        png = Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
        return Picture(np.asarray(png, dtype=np.int16), self.frames[seq])

    def value(self, slider: str) -> float:
        return float(self.part(slider).input_value())

    def take(self, slider: str) -> None:
        """Press the mouse on the slider's thumb."""
        self.page.mouse.move(*self.at(slider, self.fraction(slider)))
        self.page.mouse.down()

    def pull(self, slider: str, fraction: float, moves: int = 1) -> None:
        """Move the held thumb to a fraction of the range."""
        self.page.mouse.move(*self.at(slider, fraction), steps=moves)

    def release(self) -> None:
        """Let go, and wait for the picture."""
        self.page.mouse.up()
        self.settle()

    def wait_for_newest_frame(self) -> None:
        """Wait until what was last sent is on screen, in any quality."""
        while True:
            self._let_the_page_send()
            if self.edits and self.face.get_attribute("data-seq") == str(self.edits[-1][0]):
                return
            self.page.wait_for_timeout(20)

    def at(self, slider: str, fraction: float) -> tuple[float, float]:
        """Where the thumb would be at a fraction of the range."""
        self.part(slider).scroll_into_view_if_needed()
        box = self.part(slider).bounding_box()
        assert box
        thumb = float(
            self.part(slider).evaluate("(e) => parseFloat(getComputedStyle(e).getPropertyValue('--thumb'))")
        )
        return box["x"] + thumb / 2 + fraction * (box["width"] - thumb), box["y"] + box["height"] / 2

    def fraction(self, slider: str) -> float:
        low, high = (float(self.part(slider).get_attribute(name) or "") for name in ("min", "max"))
        return (self.value(slider) - low) / (high - low)

    def type(self, field_id: str, value: object) -> None:
        """Type into a number field, and Enter."""
        self.part(field_id).fill(str(value))
        self.part(field_id).press("Enter")

    def choose_photo(self, name: str, content: bytes, kind: str = "image/jpeg") -> None:
        """Pick a file, as from the file dialogue."""
        self.part("photo-input").set_input_files({"name": name, "mimeType": kind, "buffer": content})

    def caption(self) -> str:
        """What the stage says it shows: the face and how many edits."""
        return self.part("caption").inner_text()
