"""The wire itself: a server on this machine that says exact bytes, and how they are taken."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from pixr.adapters.solana import HttpTransport, TransportFailed, transport

Talk = Callable[[socket.socket], None]


def http(status: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", b""]) + body


def whole(status: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return http(status, *headers, b"Content-Length: %d" % len(body), body=body)


CHUNKED = b"Transfer-Encoding: chunked"
HELLO = whole(b"200 OK", body=b"hello")


def read_request(client: socket.socket) -> bytes:
    """One whole request, or nothing when the client is gone."""
    heard = b""
    while True:
        chunk = client.recv(65_536)
        heard += chunk
        head, found, body = heard.partition(b"\r\n\r\n")
        if not chunk or (found and len(body) >= int(head.lower().split(b"content-length: ")[1])):
            return heard


class Server:
    """Answers each connection by ``talk``; remembers what it heard."""

    def __init__(self, listener: socket.socket, talk: Talk) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/key?query=1"
        self.connections = 0
        self.heard: list[bytes] = []
        self.is_over = threading.Event()
        self._listener = listener
        self._talk = talk
        self._threads: list[threading.Thread] = []
        self._clients: list[socket.socket] = []

    def run(self) -> None:
        while not self.is_over.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._clients.append(client)
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()
        for client in self._clients:
            # A transport keeps its connections; nobody will use these again.
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _serve(self, client: socket.socket) -> None:
        with client:
            client.settimeout(10)
            try:
                while request := read_request(client):
                    self.heard.append(request)
                    self._talk(client)
            except OSError:
                # The transport hung up on us, as some of these tests want it to.
                return


@contextmanager
def serving(talk: Talk) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = Server(listener, talk)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            thread.join(10)


def says(*parts: bytes) -> Talk:
    def talk(client: socket.socket) -> None:
        for part in parts:
            client.sendall(part)

    return talk


def says_and_leaves(*parts: bytes) -> Talk:
    def talk(client: socket.socket) -> None:
        says(*parts)(client)
        client.shutdown(socket.SHUT_RDWR)

    return talk


def test_one_post_whose_answer_comes_back() -> None:
    with serving(says(HELLO)) as server:
        answer = HttpTransport(server.url).post(b'{"id":1}', timeout_s=5)
    assert answer == (200, b"hello")
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert body == b'{"id":1}'
    assert head.split(b"\r\n")[0] == b"POST /key?query=1 HTTP/1.1"
    assert b"Content-Type: application/json" in head
    assert b"Host: 127.0.0.1:" in head


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (HELLO, (200, b"hello")),
        (whole(b"500 Oops"), (500, b"")),
        (whole(b"429 Slow", body=b"no"), (429, b"no")),
        (whole(b"301 Away", b"Location: http://127.0.0.1:1/"), (301, b"")),
        (http(b"100 Continue") + HELLO, (200, b"hello")),
        (http(b"200 OK", CHUNKED, body=b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), (200, b"hello")),
        (whole(b"503 No", b"Retry-After: Fri, 31 Dec 2027 23:59:59 GMT"), (503, b"")),
        (whole(b"200 OK", b"Retry-After: 9"), (200, b"")),
    ],
    ids=repr,
)
def test_every_status_is_an_answer(answer: bytes, expected: tuple[int, bytes]) -> None:
    with serving(says(answer)) as server:
        asked = HttpTransport(server.url)
        assert [asked.post(b"{}", timeout_s=5) for _ in range(2)] == [expected, expected]
    assert server.connections == 1


def test_an_answer_may_end_with_the_connection() -> None:
    with serving(says_and_leaves(b"HTTP/1.0 200 OK\r\n\r\nhello")) as server:
        asked = HttpTransport(server.url)
        assert [asked.post(b"{}", timeout_s=5) for _ in range(2)] == [(200, b"hello")] * 2


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"503 Service Unavailable"])
def test_a_node_says_when_to_come_back(status: bytes) -> None:
    with (
        serving(says(whole(status, b"Retry-After: 7"))) as server,
        pytest.raises(TransportFailed) as failed,
    ):
        HttpTransport(server.url).post(b"{}", timeout_s=5)
    assert failed.value.retry_after_s == 7


@pytest.mark.parametrize(
    "said",
    [
        b"",
        http(b"200 OK", b"Content-Length: 50", body=b"half an answer"),
        http(b"200 OK", CHUNKED, body=b"5\r\nhel"),
        http(b"200 OK", CHUNKED, body=b"xyz\r\nhello\r\n"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        http(b"two hundred"),
        b"\0" * 70_000 + b"\r\n\r\n",
        http(b"200 OK", *[b"X: y"] * 200),
        http(b"200 OK", b"X: " + b"y" * 70_000),
    ],
    ids=lambda said: repr(said[:60] + said[-10:]),
)
def test_what_is_no_answer_is_one_failure(said: bytes) -> None:
    with serving(says_and_leaves(said)) as server, pytest.raises(TransportFailed):
        HttpTransport(server.url).post(b"{}", timeout_s=5)


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 2000\r\n\r\n", b"X: y\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"],
)
def test_a_body_without_end_is_cut_off_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 1_000)
    sent = 0

    def pour(client: socket.socket) -> None:
        nonlocal sent
        client.sendall(b"HTTP/1.1 200 OK\r\n" + head)
        while sent < 100 * 1024 * 1024:
            sent += client.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

    with serving(pour) as server, pytest.raises(TransportFailed):
        HttpTransport(server.url).post(b"{}", timeout_s=5)
    assert sent < 100 * 1024 * 1024


@pytest.mark.parametrize("part", [b"H", b"X: y\r\n", b"x"])
def test_a_node_that_drips_is_cut_off_in_time(part: bytes) -> None:
    """Each drop comes before any pause would be too long; all together they would take hours."""

    def drip(client: socket.socket) -> None:
        if part != b"H":
            client.sendall(b"HTTP/1.1 200 OK\r\n")
        if part == b"x":
            client.sendall(b"Content-Length: 100000\r\n\r\n")
        for _ in range(2_000):
            client.sendall(part)
            time.sleep(0.005)

    with serving(drip) as server, pytest.raises(TransportFailed, match="TimeoutError"):
        HttpTransport(server.url).post(b"{}", timeout_s=0.2)


def test_a_node_that_says_nothing_is_not_waited_for() -> None:
    silent = threading.Event()
    with serving(lambda _: (silent.wait(5), None)[1]) as server:
        with pytest.raises(TransportFailed, match="TimeoutError"):
            HttpTransport(server.url).post(b"{}", timeout_s=0.1)
        silent.set()


def test_nobody_there() -> None:
    with pytest.raises(TransportFailed, match="ConnectionRefusedError"):
        HttpTransport("http://127.0.0.1:9/").post(b"{}", timeout_s=1)


def test_no_such_host() -> None:
    with pytest.raises(TransportFailed):
        HttpTransport("http://no-such-host.invalid/").post(b"{}", timeout_s=1)


def test_plain_words_are_not_tls() -> None:
    with serving(says(HELLO)) as server, pytest.raises(TransportFailed):
        HttpTransport(server.url.replace("http:", "https:")).post(b"{}", timeout_s=0.3)


def test_a_connection_that_the_node_closed_meanwhile_is_not_used_again() -> None:
    with serving(says_and_leaves(HELLO)) as server:
        asked = HttpTransport(server.url)
        for _ in range(3):
            assert asked.post(b"{}", timeout_s=5) == (200, b"hello")
            time.sleep(0.05)
    assert server.connections == 3


def test_words_that_nobody_asked_for_are_not_the_next_answer() -> None:
    with serving(says(HELLO + HELLO.replace(b"hello", b"wrong"))) as server:
        asked = HttpTransport(server.url)
        for _ in range(3):
            assert asked.post(b"{}", timeout_s=5) == (200, b"hello")
            time.sleep(0.05)


def test_threads_share_connections() -> None:
    with serving(says(HELLO)) as server:
        answers: list[tuple[int, bytes]] = []

        def ask_often(asked: HttpTransport) -> None:
            answers.extend(asked.post(b"{}", timeout_s=5) for _ in range(50))

        shared = HttpTransport(server.url)
        threads = [threading.Thread(target=ask_often, args=(shared,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert answers == [(200, b"hello")] * 200
    assert server.connections <= 4


@pytest.mark.parametrize(
    "url", ["", "node", "ftp://node/", "http://", "http:///path", "http://node/\r\nx", "node:8899"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        HttpTransport(url)
