"""Measures how many webhooks a second a worker delivers to one receiver, and kills workers while
they deliver, on PostgreSQL.

    python -m benchmarks.webhook_delivery [--events 10000] [--kills 0]

The receiver is another process of this machine, which answers with 204 as soon as it has read a
request. Without kills: one worker, and 1,000 accounts. With kills: workers are killed with SIGKILL
at random instants, and the arrived events are compared with the recorded ones.
"""

import argparse
import asyncio
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from benchmarks.server import run_postgresql

ACCOUNTS = 1000
TARGET = 500  # deliveries a second
ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
ENVIRONMENT = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "ALLOWED_HOSTS": "localhost",
    "SITE_URL": "http://localhost:8000",
    "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
}
fork_context = multiprocessing.get_context("fork")


async def serve_receiver(ports: Any, folder: Path) -> None:
    """Answers requests, and appends the ID of each message to a file."""
    with (folder / "arrived").open("a", buffering=1) as arrived:

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                values = dict(line.split(b": ", 1) for line in lines[1:] if line)
                await reader.readexactly(int(values[b"content-length"]))
                arrived.write(values[b"webhook-id"].decode() + "\n")
                writer.write(ANSWER)

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()


def run_receiver(ports: Any, folder: Path) -> None:
    # It would report connections that end between two requests.
    logging.disable()
    asyncio.run(serve_receiver(ports, folder))


@contextmanager
def receiving(folder: Path) -> Iterator[int]:
    """Yields the port of a receiver in another process."""
    ports = fork_context.Queue()
    process = fork_context.Process(target=run_receiver, args=(ports, folder))
    process.start()
    try:
        yield ports.get(timeout=10)
    finally:
        process.kill()
        process.join()


def prepare_events(number: int, port: int) -> None:
    """Subscribes the receiver, and records and seals events about ACCOUNTS accounts."""
    from users.access import CommandActor
    from users.audit import chain
    from users.audit.models import AuditEvent
    from users.audit.record import build_event
    from users.webhooks.subscriptions import create_subscription

    values: dict[str, Any] = {
        "name": "Benchmark",
        "method": "webhook",
        "kinds": ["account.changed"],
        "with_values": False,
        "subject": "opaque",
        "audience": "",
    }
    url = f"http://127.0.0.1:{port}/hook"
    create_subscription(by=CommandActor("benchmark"), url=url, **values)
    accounts = make_accounts()
    for start in range(0, number, ACCOUNTS):
        chosen = accounts[: min(ACCOUNTS, number - start)]
        events = [build_event("account.edited", actor=None, target=each) for each in chosen]
        AuditEvent.objects.bulk_create(events)
    chain.seal_waiting_events(600)


def make_accounts() -> list[Any]:
    from users.models import User

    accounts = [User(username=f"person{number}") for number in range(ACCOUNTS)]
    for account in accounts:
        account.set_unusable_password()
        account.derive()
    return User.objects.bulk_create(accounts)


def time_delivery(number: int) -> float:
    """Returns deliveries a second of one worker."""
    from users.webhooks.delivery import deliver_subscriptions
    from users.webhooks.models import WebhookDelivery

    started = time.perf_counter()
    deliver_subscriptions(600)
    seconds = time.perf_counter() - started
    delivered = WebhookDelivery.objects.filter(state="delivered").count()
    if delivered != number:
        raise SystemExit(f"{delivered} of {number} were delivered.")
    return number / seconds


def deliver_for_ever() -> None:
    from users.webhooks.delivery import deliver_subscriptions

    while True:
        deliver_subscriptions()


def start_worker() -> ForkProcess:
    from django.db import connections

    connections.close_all()
    process = fork_context.Process(target=deliver_for_ever)
    process.start()
    return process


def kill_workers(kills: int) -> None:
    """Kills a worker so often, and then delivers the rest."""
    from users.webhooks.delivery import deliver_subscriptions
    from users.webhooks.models import WebhookSubscription

    for _ in range(kills):
        worker = start_worker()
        # An instant, and no condition.
        time.sleep(random.uniform(0.02, 0.4))
        worker.kill()
        worker.join()
        # What the time does after a kill.
        WebhookSubscription.objects.update(claimed_until=None, due_at=None)
    deliver_subscriptions(600)


def compare_arrivals(folder: Path) -> dict[str, int]:
    """Returns how many events arrived, got lost, came twice, or came before an earlier one."""
    from users.audit.models import AuditEvent

    names = (folder / "arrived").read_text().split()
    firsts = {name: place for place, name in reversed(list(enumerate(names)))}
    events = AuditEvent.objects.filter(action="account.edited").order_by("chain_position")
    places = defaultdict(list)
    lost = 0
    for pk, account in events.values_list("pk", "target_id"):
        place = firsts.get(f"event_{pk}")
        lost += place is None
        places[account].append(-1 if place is None else place)
    wrong = sum(found != sorted(found) for found in places.values())
    return {
        "requests": len(names),
        "lost": lost,
        "repeated": len(names) - len(firsts),
        "accounts out of order": wrong,
    }


def measure(options: argparse.Namespace, folder: Path) -> None:
    with receiving(folder) as port:
        prepare_events(options.events, port)
        if options.kills:
            kill_workers(options.kills)
            print(f"{options.kills} kills, {options.events} events: {compare_arrivals(folder)}")
            return
        rate = time_delivery(options.events)
        word = "met" if rate >= TARGET else "NOT met"
        print(f"{rate:.0f} deliveries a second (target {TARGET}: {word})")
        print(compare_arrivals(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures webhooks to one receiver.")
    parser.add_argument("--events", type=int, default=10_000, metavar="N")
    parser.add_argument("--kills", type=int, default=0, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        with run_postgresql(folder / "postgresql") as url:
            settings = ENVIRONMENT | {"DATABASE_URL": url, "VAR_DIR": name}
            os.environ.update(settings)
            set_up_django()
            measure(options, folder)
            from django.db import connections

            connections.close_all()


def set_up_django() -> None:
    import django
    from django.core.management import call_command

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "site"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    main()
