"""Measures manage.py import_accounts against a bare COPY of the same rows into the same table.

    python -m benchmarks.import_speed --accounts 1000000 --rows 1000000

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. The COPY has
all indexes but no triggers, validates nothing and writes no events. It is measured on other rows
than the import, one half before it and one after it.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.campaign import execute_sql
from benchmarks.fill import ROOT, environment, manage
from benchmarks.server import run_postgresql

SMALL_FILE = 10_000
# In bytes, about as many as an import sends at once.
COPY_BLOCK = 32_000
COLUMNS = ("id", "username", "email", "first_name", "last_name", "phone", "locale", "time_zone")
FIRST_NAMES = ("Anna", "Béatrice", "Carlos", "Dörte", "Emma", "Farid", "Giulia", "Hana", "Ivo")
LAST_NAMES = ("Müller", "Smith", "O’Brien", "García", "Nowak", "Rossi", "Jensen", "Kaya", "Sato")
DOMAINS = ("gmail.com", "example.org", "mail.example", "uni-example.de", "firma.example")
LOCALES = (("de", "Europe/Berlin"), ("en", "Europe/London"), ("pt-BR", "America/Sao_Paulo"))
OPTIONS = ("--source=bench", "--map=id=source_id")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-import-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(folder / "postgresql") as url:
            os.environ.update(environment(url, folder / "var"))
            # In processes of their own, since their memory would count as that of the import.
            manage("release", "--verbosity", "0")
            manage("seed", "--accounts", str(options.accounts))
            set_up_django()
            measure_imports(folder, options.rows)


def set_up_django() -> None:
    import django

    sys.path.insert(0, str(ROOT / "site"))
    django.setup()
    execute_sql("VACUUM ANALYZE users_user")


def measure_imports(folder: Path, number: int) -> None:
    memory, _ = time_import(write_file(folder / "small.csv", "s", SMALL_FILE))
    print(f"memory for {SMALL_FILE:,} rows: {memory:.0f} MB")
    before = time_copy(folder, "b", number // 2)
    file = write_file(folder / "large.csv", "i", number)
    execute_sql("CHECKPOINT")
    memory, seconds = time_import(file)
    after = time_copy(folder, "a", number // 2)
    copied = number / (before + after)
    print(f"memory for {number:,} rows: {memory:.0f} MB")
    print(f"bare COPY: {copied:,.0f} rows a second")
    print(f"import: {number / seconds:,.0f} rows a second, {number / seconds / copied:.2f} of that")


def write_file(path: Path, prefix: str, number: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(make_people(prefix, number))
    return path


def make_people(prefix: str, number: int) -> Iterator[tuple[str, ...]]:
    """Yields rows with different names; every second one has a phone number."""
    random = Random(prefix)
    for place in range(number):
        first = random.choice(FIRST_NAMES)
        last = random.choice(LAST_NAMES)
        username = f"{prefix}{random.getrandbits(40):x}.{place}"
        email = f"{username}@{random.choice(DOMAINS)}"
        phone = f"+4930{random.randrange(10**6, 10**8)}" if place % 2 else ""
        locale, zone = random.choice(LOCALES)
        yield f"{prefix}{place}", username, email, first, last, phone, locale, zone


def time_import(file: Path) -> tuple[float, float]:
    """Returns the megabytes and seconds of an import, with the start of its process."""
    command = [sys.executable, "manage.py", "import_accounts", str(file), *OPTIONS]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the import of {file} failed")
    return usage.ru_maxrss / 1024, time.monotonic() - started


def time_copy(folder: Path, prefix: str, number: int) -> float:
    """Returns the seconds of a bare COPY. Its lines are made before, and are not kept in memory:
    the peak of a new process is at least the memory of the process that starts it.
    """
    from django.db import connection, transaction

    from users.database.outside_triggers import without_outside_triggers
    from users.database.row_writes import copy_statement
    from users.transfer.imports.new_accounts import NEW_COLUMNS, constant_columns

    lines = folder / "copy.txt"
    with lines.open("wb") as file:
        file.writelines(copy_lines(prefix, number))
    names = ", ".join([*NEW_COLUMNS, *constant_columns()])
    execute_sql("CHECKPOINT")
    statement = copy_statement("users_user", names)
    with lines.open("rb") as file, transaction.atomic(), without_outside_triggers(connection):
        started = time.monotonic()
        with connection.cursor() as cursor, cursor.copy(statement) as target:
            while block := file.read(COPY_BLOCK):
                target.write(block)
    return time.monotonic() - started


def copy_lines(prefix: str, number: int) -> Iterator[bytes]:
    """Yields the lines of accounts as an import stores them."""
    from users.database.row_writes import copy_text_blocks, reserve_ids
    from users.models import State, User
    from users.transfer.imports.column_mapping import AccountKey, ImportRow
    from users.transfer.imports.new_accounts import account_values, constant_columns
    from users.transfer.imports.outcomes import CREATED
    from users.transfer.imports.row_plans import RowPlan

    ids = reserve_ids(User, number)

    def rows() -> Iterator[Any]:
        for pk, person in zip(ids, make_people(prefix, number), strict=True):
            values: dict[str, Any] = dict(zip(("source_id", *COLUMNS[1:]), person, strict=True))
            values |= {"source": "bench", "status": State.ACTIVE, "attributes": {}}
            row = ImportRow(1, values, {}, AccountKey(person[0]))
            yield account_values(RowPlan(row, CREATED, account_id=pk, values=values))

    yield from copy_text_blocks(rows(), constant_columns())


if __name__ == "__main__":
    main()
