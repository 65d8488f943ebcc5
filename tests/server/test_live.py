"""The live socket, with real sockets: the newest edit wins, nothing piles up, errors leave it open."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.server.harness import Json, RunningServer, seed_document
from tests.server.live_client import PATIENCE_S, Live, live


@pytest.fixture
def socket(server: RunningServer, session: Json) -> Iterator[Live]:
    with live(server, session["id"]) as opened:
        yield opened


def age(value: float) -> Json:
    return seed_document(attributes={"age": value})


def test_the_first_message_says_where_the_session_stands(socket: Live, session: Json) -> None:
    assert socket.hello == {
        "type": "hello",
        "session": session["id"],
        "node": session["node"],
        "document": session["document"],
        "jobs": [],
    }


def test_an_unknown_session_is_closed_with_4404(server: RunningServer) -> None:
    for name in (str(uuid4()), "not-an-id"):
        with connect(server.live_url(name), origin=Origin(server.origin), proxy=None) as connection:
            with pytest.raises(ConnectionClosed):
                connection.recv(PATIENCE_S)
            assert connection.close_code == 4404


def test_frames_are_not_compressed_again(socket: Live) -> None:
    assert socket.connection.protocol.extensions == []


def test_a_preview_is_answered_by_one_frame(socket: Live) -> None:
    socket.edit(7, seed_document())
    header, jpeg = socket.frame()
    assert (header.kind, header.seq, header.width, header.height, header.job) == (1, 7, 32, 32, 0)
    assert jpeg.startswith(b"\xff\xd8")
    assert header.render_us > 0


def test_a_final_edit_is_answered_by_a_frame_and_its_attributes(socket: Live, client: httpx.Client) -> None:
    socket.edit(3, age(70.0), "final")
    header, _ = socket.frame()
    assert (header.kind, header.seq) == (2, 3)
    reading = socket.message("attributes")
    expected = client.post("/api/v1/attributes", json={"document": age(70.0)}).json()
    assert reading == {"type": "attributes", "seq": 3} | expected


def test_dragging_back_gives_the_identical_picture(socket: Live) -> None:
    pictures = []
    for seq, value in enumerate((20.0, 50.0, 80.0, 50.0, 20.0), start=1):
        socket.edit(seq, age(value))
        pictures.append(socket.frame()[1])
        socket.ack(seq)
    assert pictures[0] == pictures[4]
    assert pictures[1] == pictures[3]
    assert len(set(pictures)) == 3


def test_of_many_edits_the_last_one_always_arrives(socket: Live) -> None:
    count = 400
    for seq in range(1, count + 1):
        socket.edit(seq, age(5 + seq / 10))
    seen: list[int] = []
    while not seen or seen[-1] < count:
        header, _ = socket.frame()
        seen.append(header.seq)
        socket.ack(header.seq)
    assert seen == sorted(set(seen))
    assert len(seen) < count
    assert socket.is_quiet()


def test_without_acks_no_more_than_two_frames_come(socket: Live) -> None:
    socket.edit(1, age(10))
    socket.frame()
    socket.edit(2, age(20))
    socket.frame()
    for seq in range(3, 50):
        socket.edit(seq, age(seq))
    assert socket.is_quiet()
    socket.ack(1)
    assert socket.frame()[0].seq == 49
    assert socket.is_quiet()


def test_an_ack_of_a_later_frame_counts_for_the_earlier_one(socket: Live) -> None:
    for seq in (1, 2):
        socket.edit(seq, age(10 * seq))
        socket.frame()
    socket.ack(2)
    for seq in (3, 4):
        socket.edit(seq, age(10 * seq))
        assert socket.frame()[0].seq == seq


def test_an_edit_that_cannot_be_rendered_is_an_error_with_its_number(socket: Live) -> None:
    socket.edit(5, seed_document(model="other"))
    error = socket.message("error")
    assert (error["seq"], error["problem"]["code"]) == (5, "unknown_model")
    socket.edit(6, seed_document())
    assert socket.frame()[0].seq == 6


@pytest.mark.parametrize(
    ("text", "seq"),
    [
        ("no json", None),
        ("[]", None),
        ('{"type": "nothing"}', None),
        ('{"type": "edit", "seq": 9}', 9),
        ('{"type": "edit", "seq": 9, "document": {}, "quality": "best"}', 9),
        ('{"type": "ack", "seq": -1}', None),
        ('{"type": "ack", "seq": NaN}', None),
        (b"\x00\x01", None),
    ],
    ids=str,
)
def test_a_bad_message_is_an_error_and_the_socket_stays(
    socket: Live, text: str | bytes, seq: int | None
) -> None:
    socket.connection.send(text)
    error = socket.message("error")
    assert (error["seq"], error["problem"]["code"]) == (seq, "bad_message")
    socket.edit(10, seed_document())
    assert socket.frame()[0].seq == 10


def test_the_tenth_bad_message_closes_the_socket(socket: Live) -> None:
    for _ in range(10):
        socket.connection.send("no json")
    with pytest.raises(ConnectionClosed):
        for _ in range(11):
            socket.message("error")
    assert socket.connection.close_code == 4400


def test_a_message_over_64_kilobytes_closes_the_socket_only(server: RunningServer, session: Json) -> None:
    with live(server, session["id"]) as socket:
        socket.connection.send("x" * 65_537)
        with pytest.raises(ConnectionClosed):
            socket.receive()
        assert socket.connection.close_code == 1009
    with live(server, session["id"]) as socket:
        socket.edit(1, seed_document())
        assert socket.frame()[0].seq == 1


def test_two_sockets_of_a_session_do_not_disturb_each_other(server: RunningServer, session: Json) -> None:
    with live(server, session["id"]) as one, live(server, session["id"]) as other:
        one.edit(1, age(10))
        other.edit(1, age(60))
        assert one.frame()[1] != other.frame()[1]
