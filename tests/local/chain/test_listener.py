"""HTTP as clients speak it, and as they should not."""

import socket
import time

import pytest

from tests.local.chain.harness import WAIT_S, Served

HEALTH = b'{"jsonrpc":"2.0","id":1,"method":"getHealth"}'


def post(body: bytes = HEALTH, *extra: bytes) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Content-Type: application/json", *extra]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body


def talk(served: Served, *parts: bytes, answers: int = 1) -> bytes:
    """Send the parts one after the other, and read until so many answers or the end."""
    heard = b""
    with socket.create_connection(("127.0.0.1", served.process.port), timeout=WAIT_S) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.02)
        while heard.count(b"HTTP/1.1 ") < answers or heard.endswith(b"\r\n\r\n"):
            chunk = client.recv(65_536)
            if not chunk:
                break
            heard += chunk
    return heard


def test_a_request_may_come_in_pieces(served: Served) -> None:
    whole = post()
    heard = talk(served, *(whole[start : start + 40] for start in range(0, len(whole), 40)))
    assert b'"result":"ok"' in heard


def test_several_requests_may_come_at_once(served: Served) -> None:
    assert talk(served, post() * 3, answers=3).count(b'"result":"ok"') == 3


def test_a_client_may_ask_whether_to_go_on(served: Served) -> None:
    asking = post(HEALTH, b"Expect: 100-continue")
    head, body = asking[: -len(HEALTH)], HEALTH
    heard = talk(served, head, body, answers=2)
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_who_says_close_is_hung_up_on(served: Served) -> None:
    heard = talk(served, post(HEALTH, b"Connection: close") + post(), answers=9)
    assert heard.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in heard


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\n" + b"x" * 20_000, b"431"),
    ],
)
def test_what_cannot_be_understood_ends_the_conversation(
    served: Served, sent: bytes, status: bytes
) -> None:
    heard = talk(served, sent, post(), answers=9)
    assert heard.startswith(b"HTTP/1.1 " + status)
    assert heard.count(b"HTTP/1.1 ") == 1


def test_slow_answers_keep_their_order(own: Served) -> None:
    own.set_faults(latency_ms=30)
    other = HEALTH.replace(b'"id":1', b'"id":2')
    heard = talk(own, post() + post(other), answers=2)
    assert heard.index(b'"id":1') < heard.index(b'"id":2')
