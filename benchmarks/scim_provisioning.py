"""Measures how many accounts a second one process provisions by SCIM, on PostgreSQL.

    python -m benchmarks.scim_provisioning [--accounts 5000]

It creates accounts by Bulk requests of 1,000, lists pages of 100, and deactivates all accounts.
"""

import argparse
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
PAGES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=5_000)
    count = parser.parse_args().accounts
    with tempfile.TemporaryDirectory() as folder:
        # PostgreSQL runs as “nobody” if this process is root's.
        Path(folder).chmod(0o755)
        with run_postgresql(Path(folder) / "postgresql") as url:
            prepare_site(url, Path(folder))
            measure(count)


def prepare_site(url: str, folder: Path) -> None:
    """Sets Django up in this process, on an empty database."""
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


def measure(count: int) -> None:
    from tests.scim.builders import make_scim

    client = make_scim("benchmark", domains=("example.com",))
    ids: list[str] = []
    seconds = timed(lambda: ids.extend(create_accounts(client, count)))
    print(f"created: {count / seconds:,.0f} accounts a second")
    pages = timed(lambda: [client.get("Users?count=100&cursor=") for _ in range(PAGES)])
    print(f"a page of 100: {pages / PAGES * 1000:,.0f} ms")
    seconds = timed(lambda: deactivate_accounts(client, ids))
    print(f"deactivated: {len(ids) / seconds:,.0f} accounts a second")


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def create_accounts(client: Any, count: int) -> list[str]:
    """Returns the IDs of new accounts."""
    from tests.scim.builders import user_body

    ids = []
    for start in range(0, count, BULK_SIZE):
        size = min(BULK_SIZE, count - start)
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(number), "data": user_body()}
            for number in range(size)
        ]
        ids += [each["location"].rpartition("/")[2] for each in send_bulk(client, operations)]
    return ids


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
