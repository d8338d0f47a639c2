"""Exports accounts with awkward names in every format, and imports each file into an empty
installation: are the accounts equal, field by field?

    python -m benchmarks.round_trip [--accounts 100000] [--formats csv xlsx jsonl scim rollcall]

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. Each import
has a database of its own. The steps run in processes of their own.
"""

import argparse
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.audit_cost import run_manage, set_environment, set_up_django
from benchmarks.server import run_postgresql

FORMATS = ("csv", "xlsx", "jsonl", "scim", "rollcall")
EXPECTED = "expected.pickle"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--step", nargs="+", help="of a process that this command starts")
    options = parser.parse_args()
    if options.step:
        set_up_django()
        name, folder, *arguments = options.step
        STEPS[name](Path(folder), *arguments)
        return
    with tempfile.TemporaryDirectory(prefix="rollcall-trip-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(folder) / "postgresql") as url:
            set_environment(url, folder)
            run_manage("migrate")
            run_manage("createcachetable")
            make_round_trips(url, folder, options.accounts, options.formats)


def make_round_trips(url: str, folder: str, accounts: int, formats: list[str]) -> None:
    """Exports and imports the accounts in each of the formats."""
    for file_format in formats:
        run_sql(url, f"CREATE DATABASE empty_{file_format} TEMPLATE rollcall")
    start_step(url, "fill", folder, str(accounts))
    for file_format in formats:
        start_step(url, "export", folder, file_format)
        target = url.replace("/rollcall?", f"/empty_{file_format}?")
        start_step(target, "import", folder, file_format)
        run_sql(url, f"DROP DATABASE empty_{file_format}")


def run_sql(url: str, statement: str) -> None:
    """Runs a statement that no transaction may contain."""
    server = url.replace("/rollcall?", "/postgres?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def start_step(url: str, *step: str) -> None:
    command = [sys.executable, "-m", "benchmarks.round_trip", "--step", *step]
    subprocess.run(command, check=True, env=os.environ | {"DATABASE_URL": url})


def fill(folder: Path, number: str) -> None:
    """Stores the accounts, and their values for the comparison."""
    from tests.transfer.awkward import make_accounts
    from users.models import User

    for name in ("root", "second"):
        User.objects.create_user(name, is_staff=True, is_superuser=True)
    User.objects.bulk_create(make_accounts(int(number)), batch_size=5000)
    content = pickle.dumps(stored_accounts())
    Path(folder, EXPECTED).write_bytes(content)


def stored_accounts() -> dict[str, dict[str, Any]]:
    """Returns the fields of all accounts but superusers by username."""
    from tests.transfer.awkward import ARCHIVE_FIELDS, FIELDS
    from users.models import User

    found = User.objects.filter(is_superuser=False).values(*FIELDS, *ARCHIVE_FIELDS)
    return {row["username"]: row for row in found.iterator()}


def export(folder: Path, file_format: str) -> None:
    """Exports all accounts with all columns to a file in `folder`."""
    from users.jobs import approval, engine, worker
    from users.models import User
    from users.transfer.exports import formatting

    began = time.perf_counter()
    columns = list(formatting.EXPORT_COLUMNS)
    job = engine.start_job(
        "export-archive" if file_format == "rollcall" else "export",
        by=User.objects.get(username="root"),
        selection="all=1&q=awkward",
        up_to=User.objects.latest("pk").pk,
        reason="Benchmark",
        parameters={"columns": columns, "format": file_format},
    )
    if job.state == "waiting":
        approval.approve_job(job, by=User.objects.get(username="second"))
    while worker.work_time_slice() is not None:
        pass
    job.refresh_from_db()
    path = folder / file_format
    write_export(job.export, path)
    print_step(f"{file_format} out", job.unchanged, began, path)


def write_export(stored: Any, path: Path) -> None:
    """Writes a stored export to a file, as a download has it."""
    from users.transfer.exports import file_content

    with path.open("wb") as file:
        for content in file_content.open_file(stored).content:
            file.write(content)


def import_again(folder: Path, file_format: str) -> None:
    """Imports a file and compares all accounts with the exported ones."""
    from django.core.management import call_command

    from tests.transfer.awkward import ARCHIVE_FIELDS, FIELDS
    from users.models import User

    began = time.perf_counter()
    path = folder / file_format
    with Path(os.devnull).open("w") as output:
        call_command("import_accounts", str(path), stdout=output)
    imported = User.objects.filter(is_superuser=False).count()
    print_step(f"{file_format} in", imported, began, path)
    expected = pickle.loads((folder / EXPECTED).read_bytes())
    names = [*FIELDS, *ARCHIVE_FIELDS] if file_format == "rollcall" else FIELDS
    found = stored_accounts()
    differences = len(expected.keys() ^ found.keys())
    for username in expected.keys() & found.keys():
        before = expected[username]
        after = found[username]
        differences += any(before[name] != after[name] for name in names)
    print(f"{file_format}: {len(names)} fields, {differences} accounts differ", flush=True)


def print_step(name: str, rows: int, began: float, path: Path) -> None:
    """Prints the rows a second of a step, the peak of its memory and the size of the file."""
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {rows:,} accounts, {rows / seconds:,.0f} a second, "
        f"{path.stat().st_size / 1e6:.1f} MB; peak memory {peak:.0f} MB",
        flush=True,
    )


STEPS: dict[str, Any] = {"fill": fill, "export": export, "import": import_again}

if __name__ == "__main__":
    main()
