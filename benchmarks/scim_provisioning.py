"""Measures how many accounts a second are provisioned by SCIM, on PostgreSQL.

    python -m benchmarks.scim_provisioning [--accounts 5000] [--processes 2] [--keep FOLDER]

Each process is an identity provider and the server that answers it: requests run in it, through all
middleware, so the figures have no network. It creates accounts by single requests and by Bulk
requests of 1,000, lists pages of 100, adds the accounts to a group and removes them by requests of
100, and deactivates them by Bulk requests. With --keep, the accounts are added to the database in
FOLDER, such as one that bin/bench has filled.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.server import run_postgresql

ROOT = Path(__file__).resolve().parent.parent
BULK_SIZE = 1_000
# One account in so many is created by a single request, which takes longer.
SINGLE_PART = 5
PAGES = 20
# So many members are sent in a request at most by Microsoft Entra.
MEMBERS = 100
# Measured one after the other, each by all processes at once.
PHASES = ("single", "bulk", "pages", "add", "remove", "deactivate")
fork_context = multiprocessing.get_context("fork")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # PostgreSQL runs as “nobody” if this process is root's.
        Path(folder).chmod(0o755)
        data = options.keep or Path(folder) / "postgresql"
        with run_postgresql(data) as url:
            prepare_site(url, Path(folder))
            measure(options.accounts // options.processes, options.processes)


def prepare_site(url: str, folder: Path) -> None:
    """Sets Django up in this process, on a database with the current schema."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "settings",
        "SECRET_KEY": "0123456789abcdef" * 4,
        "ALLOWED_HOSTS": "localhost,testserver",
        "SITE_URL": "http://localhost:8000",
        "DATABASE_URL": url,
        "VAR_DIR": str(folder),
        "EMAIL_URL": "",
        "LOG_LEVEL": "ERROR",
    }
    sys.path.insert(0, str(ROOT / "site"))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("release", verbosity=0)


def measure(count: int, processes: int) -> None:
    """Lets each process provision `count` accounts, and prints the figures of all of them."""
    from django.db import connections

    tokens = make_tokens(processes)
    connections.close_all()
    barrier = fork_context.Barrier(processes)
    results = fork_context.Queue()
    children = [
        fork_context.Process(target=run_provider, args=(token, number, count, barrier, results))
        for number, token in enumerate(tokens)
    ]
    for child in children:
        child.start()
    found = [results.get(timeout=3600) for _ in children]
    for child in children:
        child.join()
    print_figures(found, count)


def make_tokens(number: int) -> list[tuple[str, int]]:
    """Returns the texts of tokens that provision one source, each with the ID of a group."""
    from django.contrib.auth.models import Group

    from tests.scim.builders import make_scim

    source = f"benchmark-{time.time_ns()}"
    tokens = []
    for each in range(number):
        role = Group.objects.create(name=f"{source} {each}")
        client = make_scim(source=source, domains=("example.com",), roles=(role,))
        tokens.append((client.headers["Authorization"].split()[1], role.pk))
    return tokens


def run_provider(
    token: tuple[str, int], number: int, count: int, barrier: Any, results: Any
) -> None:
    """Puts the seconds of each phase into `results`. Phases begin in all processes at once."""
    from tests.scim.builders import ScimClient

    text, role_id = token
    client = ScimClient(text)
    prefix = f"p{time.time_ns()}-{number}-"
    ids: list[str] = []
    work: dict[str, Callable[[], Any]] = {
        "single": lambda: create_single(client, f"{prefix}s", count // SINGLE_PART),
        "bulk": lambda: ids.extend(create_accounts(client, prefix, count)),
        "pages": lambda: [client.get("Users?count=100&cursor=") for _ in range(PAGES)],
        "add": lambda: change_members(client, role_id, "add", ids),
        "remove": lambda: change_members(client, role_id, "remove", ids),
        "deactivate": lambda: deactivate_accounts(client, ids),
    }
    client.get("Users?count=1")
    seconds = {}
    for phase in PHASES:
        barrier.wait()
        seconds[phase] = timed(work[phase])
    results.put(seconds)


def print_figures(found: list[dict[str, float]], count: int) -> None:
    slowest = {phase: slowest_of(found, phase) for phase in PHASES}
    total = count * len(found)
    singles = count // SINGLE_PART * len(found)
    print(f"{len(found)} processes, load {os.getloadavg()[0]:.1f}")
    print(f"created by single requests: {singles / slowest['single']:,.0f} accounts a second")
    print(f"created by Bulk: {total / slowest['bulk']:,.0f} accounts a second")
    print(f"a page of 100: {slowest['pages'] / PAGES * 1000:,.0f} ms")
    requests = count / MEMBERS
    for phase in ("add", "remove"):
        print(f"{phase} {MEMBERS} members: {slowest[phase] / requests * 1000:,.0f} ms")
    print(f"deactivated by Bulk: {total / slowest['deactivate']:,.0f} accounts a second")


def slowest_of(found: list[dict[str, float]], phase: str) -> float:
    return max(each[phase] for each in found)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def create_single(client: Any, prefix: str, count: int) -> None:
    """Creates accounts by one request each. Raises RuntimeError if one fails."""
    from tests.scim.builders import user_body

    for number in range(count):
        answer = client.post("Users", user_body(**identity(f"{prefix}{number}")))
        if answer.status_code != 201:
            raise RuntimeError(answer.content)


def identity(name: str) -> dict[str, str]:
    return {"userName": name, "externalId": f"id-{name}"}


def create_accounts(client: Any, prefix: str, count: int) -> list[str]:
    """Returns the IDs of new accounts."""
    from tests.scim.builders import user_body

    ids = []
    for start in range(0, count, BULK_SIZE):
        numbers = range(start, min(start + BULK_SIZE, count))
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": str(number),
                "data": user_body(**identity(f"{prefix}{number}")),
            }
            for number in numbers
        ]
        ids += [each["location"].rpartition("/")[2] for each in send_bulk(client, operations)]
    return ids


def change_members(client: Any, role_id: int, op: str, ids: list[str]) -> None:
    """Adds the accounts to a group or removes them. Raises RuntimeError if a request fails."""
    for start in range(0, len(ids), MEMBERS):
        members = [{"value": pk} for pk in ids[start : start + MEMBERS]]
        change = {"op": op, "path": "members", "value": members}
        answer = client.patch(f"Groups/{role_id}", change)
        if answer.status_code != 204:
            raise RuntimeError(answer.content)


def deactivate_accounts(client: Any, ids: list[str]) -> None:
    from tests.scim.builders import PATCH_SCHEMA

    change = {"op": "replace", "path": "active", "value": False}
    data = {"schemas": [PATCH_SCHEMA], "Operations": [change]}
    for start in range(0, len(ids), BULK_SIZE):
        chunk = ids[start : start + BULK_SIZE]
        operations = [{"method": "PATCH", "path": f"/Users/{pk}", "data": data} for pk in chunk]
        send_bulk(client, operations)


def send_bulk(client: Any, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the results. Raises RuntimeError if an operation has failed."""
    from tests.scim.builders import BULK_SCHEMA

    answer = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations}).json()
    results: list[dict[str, Any]] = answer["Operations"]
    failed = [each for each in results if int(each["status"]) >= 400]
    if failed:
        raise RuntimeError(failed[0])
    return results


if __name__ == "__main__":
    main()
