"""The person's own address: asked of public pages, believed only when it can be one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from installer.engine.errors import AnswersError
from installer.oracle.own_address import OwnAddress
from tests.oracle.test_holdings import target
from tests.oracle.world import World

Pages = Callable[..., list[str]]


@pytest.fixture
def pages() -> Iterator[Pages]:
    """Starts pages on this machine that say what they are told to say."""
    with ExitStack() as open_now:

        def start(*answers: str | int) -> list[str]:
            return [open_now.enter_context(_Page(each)) for each in answers]

        yield start


class _Page:
    def __init__(self, answer: str | int) -> None:
        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(answer if isinstance(answer, int) else 200)
                self.end_headers()
                self.wfile.write(b"" if isinstance(answer, int) else answer.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def nobody() -> str:
    """A page that nobody serves."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}/"


def test_two_pages_that_agree_are_believed(pages: Pages) -> None:
    assert OwnAddress(pages("198.51.100.7\n", " 198.51.100.7 ")).cidr() == "198.51.100.7/32"


def test_pages_that_do_not_answer_are_passed_over(pages: Pages) -> None:
    found = OwnAddress([nobody(), *pages(503, "198.51.100.7")])
    assert found.cidr() == "198.51.100.7/32"


def test_pages_that_disagree_are_told_as_a_network_with_several_ways_out(pages: Pages) -> None:
    with pytest.raises(AnswersError) as caught:
        OwnAddress(pages("198.51.100.7", "198.51.100.8")).cidr()
    assert "several" in caught.value.why
    assert "198.51.100" not in caught.value.why
    assert "range of your network" in caught.value.then


@pytest.mark.parametrize(
    "said",
    [
        *("10.0.0.4", "172.20.1.1", "192.168.1.2", "100.64.3.4", "127.0.0.1", "169.254.1.1"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "2001:db8::1", "<html>198.51.100.7</html>"),
        *("198.51.100.7/32", "", "198.51.100.7 198.51.100.7", "１98.51.100.7"),
    ],
)
def test_what_cannot_be_the_address_is_not_believed(pages: Pages, said: str) -> None:
    with pytest.raises(AnswersError) as caught:
        OwnAddress(pages(said)).cidr()
    assert "could not be found out" in caught.value.what
    assert "127.0.0.1: its answer is" in caught.value.why
    assert "cluster.api_access_cidr" in caught.value.then


def test_it_is_asked_once_by_everybody_together(pages: Pages) -> None:
    found = OwnAddress(pages("198.51.100.7"))
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(found.cidr())) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == ["198.51.100.7/32"] * 6


def test_the_review_shows_it_only_to_whoever_asked_for_it(world: World) -> None:
    _, findings = target(world).survey(None)
    assert not [each for each in findings if "198.51.100" in each.words]
    _, findings = target(world, api_access_cidr="mine").survey(None)
    (told,) = [each for each in findings if "198.51.100.7/32" in each.words]
    assert told.good
    assert "cluster.api_access_cidr" in told.words


def test_a_survey_that_cannot_find_it_says_so_and_goes_on(world: World) -> None:
    world.move("192.168.1.2")
    try:
        _, findings = target(world, api_access_cidr="mine").survey(None)
    finally:
        world.move("198.51.100.7")
    (told,) = [each for each in findings if "own address" in each.words]
    assert not told.good
