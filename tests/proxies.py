"""A proxy between the site and a service, which makes the service slow, takes it away, or cuts the
network between them.
"""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

Address = str | tuple[str, int]  # the path of a Unix socket, or host and port


class Proxy:
    """Forwards connections from `address` to `target`. Each answer is delayed by `delay` seconds.

    `opened` counts the connections that clients have opened; `most_open` is the largest number that
    were open at a time.
    """

    def __init__(self, target: Address, address: Address):
        self.target = target
        self.address = address
        self.delay = 0.0
        self.opened = 0
        self.most_open = 0
        self.clients: list[socket.socket] = []
        self.passes = Event()
        self.passes.set()
        self.open_sockets: list[socket.socket] = []
        self.listener: socket.socket
        self.listen()

    def listen(self) -> None:
        self.listener = make_socket(self.address)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        if isinstance(self.address, tuple):
            self.address = self.listener.getsockname()
        self.listener.listen(50)
        Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                self.opened += 1
                # Until then the system takes connections, and nobody answers.
                self.passes.wait()
                server = make_socket(self.target)
                server.connect(self.target)
                self.clients = [each for each in self.clients if not has_left(each)] + [client]
                self.most_open = max(self.most_open, len(self.clients))
                self.open_sockets += [client, server]
                for ends in ((client, server, False), (server, client, True)):
                    Thread(target=self.forward, args=ends, daemon=True).start()

    def forward(self, source: socket.socket, target: socket.socket, delayed: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if delayed:
                    time.sleep(self.delay)
                self.passes.wait()
                target.sendall(data)
        self.passes.wait()
        cut(target)

    def go_down(self) -> None:
        """Ends all connections, and refuses new ones."""
        cut(self.listener)
        self.listener.close()
        if isinstance(self.address, str):
            Path(self.address).unlink()
        for each in self.open_sockets:
            cut(each)
        self.open_sockets.clear()

    @contextmanager
    def state(self, name: str, delay: float) -> Iterator[None]:
        """The service is "up", "slow" by `delay` seconds an answer, or "down" inside the block. If
        it is "cut", no byte and no end of a connection passes until then, as if the network dropped
        all packets.
        """
        if name == "down":
            self.go_down()
        if name == "cut":
            self.passes.clear()
        self.delay = delay if name == "slow" else 0.0
        try:
            yield
        finally:
            self.delay = 0.0
            self.passes.set()
            if name == "down":
                self.listen()


def make_socket(address: Address) -> socket.socket:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)


def has_left(client: socket.socket) -> bool:
    """Returns whether the other end is closed, even if not all that it has sent is read."""
    watcher = select.poll()
    watcher.register(client, select.POLLRDHUP)
    return bool(watcher.poll(0))


def cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
