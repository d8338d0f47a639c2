"""Sends messages to a syslog server: RFC 5424, over UDP, or over TCP or TLS with octet counting."""

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

SEND_SECONDS = 5
# Facility 13 (log audit), severity 5 (notice).
PRIORITY = 13 * 8 + 5
APP_NAME = "rollcall"
MESSAGE_ID = "audit-checkpoint"


def syslog_message(
    at: datetime,
    text: str,
    message_id: str = MESSAGE_ID,
) -> bytes:
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    host = socket.gethostname() or "-"
    return f"<{PRIORITY}>1 {time} {host} {APP_NAME} - {message_id} - {text}".encode()


def send_syslog(
    url: str,
    at: datetime,
    text: str,
) -> None:
    """Sends one message to a URL such as tls://host:6514. Raises OSError."""
    target = urlsplit(url)
    address = (target.hostname or "", target.port or 514)
    message = syslog_message(at, text)
    if target.scheme == "udp":
        send_datagram(address, message)
        return
    with socket.create_connection(address, SEND_SECONDS) as plain:
        stream = plain
        if target.scheme == "tls":
            stream = ssl.create_default_context().wrap_socket(plain, server_hostname=address[0])
        with stream:
            stream.sendall(b"%d %s" % (len(message), message))


def send_datagram(address: tuple[str, int], message: bytes) -> None:
    [first, *_] = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, target = first
    with socket.socket(family, kind, protocol) as sender:
        sender.sendto(message, target)
