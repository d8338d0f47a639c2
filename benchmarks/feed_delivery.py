"""Measures how many audit events a second a worker sends to a webhook and to a syslog server, on
PostgreSQL.

    python -m benchmarks.feed_delivery [--events 10000]

The receivers are another process of this machine, over TLS. The webhook answers with 204 as soon as
it has read a request; the syslog server reads each connection to its end. Both write what arrived
to a file, which is compared with the events.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.server import run_postgresql
from benchmarks.webhook_delivery import ANSWER, ENVIRONMENT, fork_context, set_up_django
from tests.audit.feeds.receivers import server_context, write_certificate

SECRET = "whsec_" + b64encode(bytes(32)).decode()
CHUNK = 1000


async def serve(ports: Any, folder: Path) -> None:
    """Serves both receivers, and appends the ID of each event to the file of its feed."""
    context = server_context(folder / "receiver.pem")
    webhook = (folder / "webhook").open("a", buffering=1)
    syslog = (folder / "syslog").open("a", buffering=1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            values = dict(line.split(b": ", 1) for line in lines[1:] if line)
            body = await reader.readexactly(int(values[b"content-length"]))
            webhook.write(event_id(json.loads(body)["data"]))
            writer.write(ANSWER)

    async def read_messages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while length := await read_length(reader):
            message = await reader.readexactly(length)
            syslog.write(event_id(json.loads(message[message.index(b"{") :])))
        writer.close()

    for handle in (answer, read_messages):
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        ports.put(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def read_length(reader: asyncio.StreamReader) -> int:
    """Returns the length of the next message; 0 at the end."""
    try:
        return int(await reader.readuntil(b" "))
    except asyncio.IncompleteReadError:
        return 0


def event_id(event: dict[str, Any]) -> str:
    return f"{event['metadata']['uid']}\n"


def run_receivers(ports: Any, folder: Path) -> None:
    # asyncio would log connections that end between two requests.
    logging.disable()
    asyncio.run(serve(ports, folder))


@contextmanager
def receiving(folder: Path) -> Iterator[tuple[int, int]]:
    """Yields the ports of the webhook and the syslog server, which are in another process."""
    ports = fork_context.Queue()
    process = fork_context.Process(target=run_receivers, args=(ports, folder))
    process.start()
    try:
        yield ports.get(timeout=10), ports.get(timeout=10)
    finally:
        process.kill()
        process.join()


def use_receivers(webhook_port: int, syslog_port: int, folder: Path) -> None:
    from audit_settings import FeedSettings
    from django.conf import settings

    settings.AUDIT_FEEDS = FeedSettings(
        webhook=f"https://127.0.0.1:{webhook_port}/hook",
        secrets=(SECRET,),
        syslog=f"tls://127.0.0.1:{syslog_port}",
        ca_file=str(folder / "receiver.pem"),
        allows_private=True,
    )


def prepare_events(number: int) -> None:
    """Records and seals events about an account."""
    from users.audit import chain
    from users.audit.models import AuditEvent
    from users.audit.record import build_event
    from users.models import User

    account = User(username="person")
    account.set_unusable_password()
    account.save()
    for start in range(0, number, CHUNK):
        size = min(CHUNK, number - start)
        events = [build_event("account.edited", actor=account, target=account) for _ in range(size)]
        AuditEvent.objects.bulk_create(events)
    chain.seal_waiting_events(600)


def time_feed(name: str, folder: Path) -> str:
    """Returns the rate of a feed. Raises SystemExit unless each event arrived once, in order."""
    from users.audit.feeds import delivery
    from users.audit.feeds.models import Feed
    from users.audit.models import AuditEvent

    Feed.objects.create(name=name)
    sealed = AuditEvent.objects.exclude(chain_position=None).order_by("chain_position")
    expected = [str(pk) for pk in sealed.values_list("pk", flat=True)]
    sender = delivery.feed_senders()[name]
    started = time.perf_counter()
    cpu = time.process_time()
    while feed_position(name) < len(expected):
        feed = delivery.claim_feed(name)
        if feed is None or feed.error:
            raise SystemExit(f"The feed {name} has failed: {feed and feed.error}")
        delivery.deliver_feed(feed, sender())
    seconds = time.perf_counter() - started
    cpu = time.process_time() - cpu
    if (folder / name).read_text().split() != expected:
        raise SystemExit(f"The feed {name} has lost, repeated or reordered events.")
    rate = len(expected) / seconds
    each = 1000 * cpu / len(expected)
    return f"{name}: {rate:,.0f} events a second, {each:.2f} ms of the worker's CPU time each"


def feed_position(name: str) -> int:
    from users.audit.feeds.models import Feed

    return Feed.objects.get(name=name).position


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the audit feeds.")
    parser.add_argument("--events", type=int, default=10_000, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        write_certificate(folder / "receiver.pem")
        with run_postgresql(folder / "postgresql") as url, receiving(folder) as ports:
            os.environ.update(ENVIRONMENT | {"DATABASE_URL": url, "VAR_DIR": text})
            set_up_django()
            use_receivers(*ports, folder)
            prepare_events(options.events)
            for name in ("webhook", "syslog"):
                print(time_feed(name, folder))
            close_connections()


def close_connections() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    main()
