"""Measures how many events of email providers one web process takes, on PostgreSQL.

    python -m benchmarks.webhooks [--seconds 10]

SendGrid's requests have 500 events, Postmark's one. Four clients send at the same time.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from benchmarks.server import run_postgresql
from tests.servers import running, until

ROOT = Path(__file__).resolve().parent.parent
PORT = 8432
CLIENTS = 4
BATCH = 500
SECRET = "benchmark:a-password-for-webhooks"
numbers = count(1)


def environment(url: str, folder: Path) -> dict[str, str]:
    return os.environ | {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "ALLOWED_HOSTS": "localhost",
        "SITE_URL": "http://localhost:8000",
        "DATABASE_URL": url,
        "VAR_DIR": str(folder / "var"),
        "EMAIL_URL": "",
        "EMAIL_EVENTS": "sendgrid,postmark",
        "EMAIL_WEBHOOK_SECRETS": SECRET,
        "PORT": str(PORT),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def web_process(settings: dict[str, str]) -> Iterator[None]:
    def migrate(*command: str) -> None:
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=settings, check=True)

    migrate("release", "--verbosity=0")
    migrate("collectstatic", "--noinput", "--verbosity=0")
    command = [sys.executable, "-m", "gunicorn", "-c", "site/gunicorn.conf.py", "wsgi"]
    with running(command, stop=signal.SIGTERM, cwd=ROOT, env=settings) as process:
        until(lambda: ask("GET", "/healthz", b""), OSError, process, "gunicorn", seconds=60)
        yield


def ask(method: str, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    connection.request(method, path, body, {"Host": "localhost"})
    connection.getresponse().read()
    connection.close()


def sendgrid_body() -> tuple[bytes, int]:
    events = [sendgrid_event(next(numbers)) for _ in range(BATCH)]
    return json.dumps(events).encode(), BATCH


def sendgrid_event(number: int) -> dict[str, object]:
    return {
        "email": f"person{number}@example.com",
        "timestamp": 1_795_000_000,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": "delivered",
        "category": ["news"],
        "sg_event_id": f"{number:022d}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "response": "250 OK",
        "rollcall_message": f"{number:032x}",
    }


def postmark_body() -> tuple[bytes, int]:
    number = next(numbers)
    event = {
        "RecordType": "Delivery",
        "Recipient": f"person{number}@example.com",
        "DeliveredAt": "2026-11-28T12:00:00Z",
        "Details": "250 2.0.0 OK",
        "MessageID": f"883953f4-6105-42a2-a16a-{number:012x}",
        "Metadata": {"rollcall_message": f"{number:032x}"},
    }
    return json.dumps(event).encode(), 1


def send_events(path: str, make_body: Callable[[], tuple[bytes, int]], until_: float) -> int:
    """Sends requests until a time of time.monotonic(). Returns the number of accepted events."""
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Authorization": "Basic " + b64encode(SECRET.encode()).decode(),
    }
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    sent = 0
    while time.monotonic() < until_:
        body, size = make_body()
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
        sent += size
    return sent


def measure(provider: str, make_body: Callable[[], tuple[bytes, int]], seconds: float) -> float:
    """Returns the events in a second that CLIENTS send together."""
    path = f"/mail/events/{provider}/"
    start = time.monotonic()
    sent: list[int] = []
    threads = [
        threading.Thread(target=lambda: sent.append(send_events(path, make_body, start + seconds)))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(sent) / (time.monotonic() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with run_postgresql(folder / "db") as url, web_process(environment(url, folder)):
            rates = {
                "SendGrid, 500 in a request": measure("sendgrid", sendgrid_body, seconds),
                "Postmark, one in a request": measure("postmark", postmark_body, seconds),
            }
            with psycopg.connect(url) as connection:
                query = "SELECT count(*) FROM users_deliveryevent"
                row = connection.execute(query).fetchone()
    for label, rate in rates.items():
        print(f"{label}: {rate:,.0f} events a second")
    print(f"Stored: {row[0] if row else 0:,} of {next(numbers) - 1:,}")


if __name__ == "__main__":
    main()
