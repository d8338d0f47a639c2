"""Opens connections to receivers: TLS with a checked certificate, to addresses that the policy
allows, and with a time limit for all that is done with one.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from threading import Timer

from users.outbound.addresses import AddressPolicy, allowed_addresses, connect_any

# For each step of a connection.
STEP_SECONDS = 5
FAILURE_MAX = 300


class LimitedStreams:
    """Opens connections, one at a time, and ends the newest when the limit of a block is reached. A
    receiver that sends a byte now and then keeps each step short, but not all of them.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self.policy = policy
        # TLS takes the socket itself over, so this is a duplicate.
        self.newest: socket.socket | None = None
        self.is_over = False

    def open(self, host: str, port: int) -> socket.socket:
        """Connects to the first address of a host that answers, without TLS. Raises OSError."""
        addresses = allowed_addresses(host, port, self.policy)
        plain = connect_any(addresses, STEP_SECONDS)
        self.close()
        self.newest = plain.dup()
        # The limit may have been reached just before there was a socket to end.
        if self.is_over:
            plain.close()
            raise TimeoutError
        return plain

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raises TimeoutError if the block takes longer."""
        self.is_over = False
        timer = Timer(seconds, self.end_newest)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, HTTPException):
            if not self.is_over:
                raise
        finally:
            timer.cancel()
        if self.is_over:
            raise TimeoutError(f"no complete response within {seconds} seconds")

    def end_newest(self) -> None:
        self.is_over = True
        with suppress(OSError, AttributeError):
            self.newest.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        if self.newest is not None:
            self.newest.close()
            self.newest = None


def start_tls(plain: socket.socket, host: str, policy: AddressPolicy) -> ssl.SSLSocket:
    """Starts TLS on a connection, and checks the certificate. Raises OSError."""
    context = ssl.create_default_context(cafile=policy.ca_file or None)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def failure_text(error: Exception) -> str:
    """Returns an error as a sentence, which never has the address or a secret."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:FAILURE_MAX]
