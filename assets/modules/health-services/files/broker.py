"""Asks the message broker what the processing engine's own pages do not know.

broker.py prepare   does what the engine does first: logs in, makes exchange, queues and binding.
                    Waits for a broker that does not answer; ends with words when it is refused.
broker.py alive     fails when the engine takes no messages although the broker answers.
broker.py ready     fails when the engine takes no messages, or the broker does not answer.

Reads the engine's own variables. AMQP 0-9-1 is spoken here by hand, so that nothing but Python is
needed of the image and a probe costs a few milliseconds.
"""

import contextlib
import os
import socket
import struct
import sys
import time
from urllib.parse import unquote, urlsplit

TRY_SECONDS = 5
WAIT_SECONDS = 300
PAUSE_SECONDS = 3
ESTABLISHED = "01"
CONNECTIONS = ("/proc/net/tcp", "/proc/net/tcp6")

# Numbers of AMQP 0-9-1: types of frames, classes and methods, bits and answers.
METHOD, FRAME_END = 1, 0xCE
START, START_OK, TUNE, TUNE_OK = (10, 10), (10, 11), (10, 30), (10, 31)
OPEN, OPEN_OK, CLOSE = (10, 40), (10, 41), (10, 50)
CHANNEL_OPEN, CHANNEL_OPEN_OK, CHANNEL_CLOSE = (20, 10), (20, 11), (20, 40)
EXCHANGE_DECLARE, EXCHANGE_DECLARE_OK = (40, 10), (40, 11)
QUEUE_DECLARE, QUEUE_DECLARE_OK, QUEUE_BIND, QUEUE_BIND_OK = (50, 10), (50, 11), (50, 20), (50, 21)
PASSIVE, DURABLE = 1, 2
ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED = 403, 404, 406


class Unreachable(Exception):
    """The broker does not answer, or not to the end: nothing is known about it."""


class Refused(Exception):
    """The broker said no; `code` is AMQP's."""

    def __init__(self, code, words):
        super().__init__(words)
        self.code = code


def say(words):
    """At once, since whoever looks at a waiting container should see why it waits."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def short(text):
    data = text.encode()
    return bytes([len(data)]) + data


def long(data):
    return struct.pack(">I", len(data)) + data


class Conversation:
    """One connection with one channel on it, logged in as the URL says."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.user = unquote(parts.username or "")
        self.host, self.port = parts.hostname, parts.port or 5672
        self._password = unquote(parts.password or "")
        self._vhost = unquote(parts.path[1:]) or "/"
        self._socket = None

    def __enter__(self):
        try:
            self._socket = socket.create_connection((self.host, self.port), timeout=TRY_SECONDS)
        except OSError as error:
            raise Unreachable(str(error)) from None
        try:
            self._log_in()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_):
        # Told and not waited for: what is asked for was answered already.
        with contextlib.suppress(Unreachable):
            self._send(0, CLOSE, struct.pack(">H", 200) + short("") + bytes(4))
        self._socket.close()

    def _log_in(self):
        self._write(b"AMQP\x00\x00\x09\x01")
        self._expect(START)
        # With this capability the broker says that the password is wrong before it hangs up.
        capability = short("authentication_failure_close") + b"t\x01"
        properties = short("capabilities") + b"F" + long(capability)
        login = f"\0{self.user}\0{self._password}".encode()
        self._send(0, START_OK, long(properties) + short("PLAIN") + long(login) + short("en_US"))
        limits = self._expect(TUNE)
        self._send(0, TUNE_OK, limits[:6] + struct.pack(">H", 0))
        self._send(0, OPEN, short(self._vhost) + short("") + bytes(1))
        self._expect(OPEN_OK)
        self._send(1, CHANNEL_OPEN, short(""))
        self._expect(CHANNEL_OPEN_OK)

    def exchange(self, name):
        arguments = bytes(2) + short(name) + short("topic") + bytes([DURABLE]) + long(b"")
        self._send(1, EXCHANGE_DECLARE, arguments)
        self._expect(EXCHANGE_DECLARE_OK)

    def queue(self, name, bits=DURABLE):
        """Makes the queue as the engine does, or (passive) only looks; its number of consumers."""
        self._send(1, QUEUE_DECLARE, bytes(2) + short(name) + bytes([bits]) + long(b""))
        answer = self._expect(QUEUE_DECLARE_OK)
        return struct.unpack(">II", answer[1 + answer[0] :])[1]

    def bind(self, queue, exchange, pattern):
        names = short(queue) + short(exchange) + short(pattern)
        self._send(1, QUEUE_BIND, bytes(2) + names + bytes(1) + long(b""))
        self._expect(QUEUE_BIND_OK)

    def _send(self, channel, method, arguments):
        payload = struct.pack(">HH", *method) + arguments
        frame = struct.pack(">BHI", METHOD, channel, len(payload)) + payload
        self._write(frame + bytes([FRAME_END]))

    def _expect(self, wanted):
        """The arguments of the next method, which must be the wanted one or a refusal."""
        while True:
            kind, _, size = struct.unpack(">BHI", self._read(7))
            payload = self._read(size + 1)[:-1]
            if kind != METHOD:
                continue
            method = struct.unpack(">HH", payload[:4])
            if method == wanted:
                return payload[4:]
            if method in (CLOSE, CHANNEL_CLOSE):
                code, length = struct.unpack(">HB", payload[4:7])
                raise Refused(code, payload[7 : 7 + length].decode("utf-8", "replace"))
            raise Unreachable(f"it answers with method {method}, which is not expected here")

    def _write(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Unreachable(str(error)) from None

    def _read(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self._socket.recv(size - len(data))
            except OSError as error:
                raise Unreachable(str(error)) from None
            if not piece:
                raise Unreachable("it closed the connection without a word")
            data += piece
        return data


def conversation():
    return Conversation(os.environ["ETL_RABBITMQ_URL"])


def prepare():
    """Does what the engine does when it starts, waiting for the broker as long as need be."""
    deadline = time.monotonic() + WAIT_SECONDS
    told = False
    while True:
        asked = conversation()
        try:
            _declare(asked)
        except Unreachable as error:
            if time.monotonic() > deadline:
                return f"The message broker at {asked.host}:{asked.port} does not answer: {error}."
            if not told:
                say(f"Waiting for the message broker at {asked.host}:{asked.port}: {error}.")
                told = True
            time.sleep(PAUSE_SECONDS)
        except Refused as error:
            return _refusal(asked, error)
        else:
            say(f"The message broker takes {asked.user}; exchange, queues and binding are there.")
            return ""


def _declare(asked):
    exchange, queue = os.environ["ETL_EXCHANGE_NAME"], os.environ["ETL_QUEUE_NAME"]
    with asked:
        asked.exchange(exchange)
        asked.queue(queue)
        asked.bind(queue, exchange, os.environ["ETL_ROUTING_KEY_PATTERN"])
        asked.queue(os.environ["ETL_DEAD_LETTER_QUEUE"])


def alive():
    """An engine without work is only to blame while the broker answers: restarting it because of
    the broker would help nobody. A refused login counts, since a restart reads the Secret anew."""
    try:
        return _without_work()
    except Unreachable as error:
        say(f"The message broker does not answer, so the engine is not judged: {error}.")
        return ""


def ready():
    try:
        return _without_work()
    except Unreachable as error:
        return f"The message broker does not answer: {error}."


def _without_work():
    """Why the engine takes no messages; empty when it does."""
    asked = conversation()
    # Counted before our own is opened, and only of this pod: with several replicas the queue's
    # consumers may all be others'.
    connections = connections_to(asked.port)
    queue = os.environ["ETL_QUEUE_NAME"]
    try:
        with asked:
            consumers = asked.queue(queue, PASSIVE)
    except Refused as error:
        return _refusal(asked, error)
    if connections == 0:
        return "The message broker answers, but the processing engine has no connection to it."
    if consumers == 0:
        return f"Nobody takes messages from the queue {queue}, although the broker has it."
    return ""


def connections_to(port, tables=CONNECTIONS):
    """Established connections of this pod to that port; None where the kernel does not tell."""
    found = None
    for table in tables:
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
        except OSError:
            continue
        theirs = [row[2] for row in rows if row[3] == ESTABLISHED]
        found = (found or 0) + sum(int(end.rpartition(":")[2], 16) == port for end in theirs)
    return found


def _refusal(asked, error):
    if error.code == ACCESS_REFUSED and "Login was refused" in str(error):
        return (
            f"The message broker refuses the password of its user {asked.user}. Run health-install "
            "again: it writes the broker's password into the Secret that this program reads."
        )
    if error.code == PRECONDITION_FAILED:
        return (
            "The message broker has a queue or exchange of the same name, made in another way, so "
            f"that the processing engine would stop without a word: {error}. Delete it once it is "
            "empty; the right one is made then."
        )
    if error.code == NOT_FOUND:
        return f"The message broker lacks what the processing engine reads from: {error}."
    return f"The message broker refuses the processing engine: {error}."


def main():
    steps = {"prepare": prepare, "alive": alive, "ready": ready}
    trouble = steps[sys.argv[1]]()
    if trouble:
        say(trouble)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
