"""bin/bench --lists: the time of a pasted list of 100,000 lines, by what its lines are."""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from django.db import connection
from django.http import QueryDict

from benchmarks.conditions import run_conditions
from benchmarks.report import Report, condition_lines, markdown_table
from users.directory.filter import Filter
from users.directory.lists import pasted_lists
from users.directory.lists.lookup import look_up_lines
from users.directory.lists.models import LineKind, PastedList
from users.directory.lists.typed_lines import LINES_MAX, TypedLines, read_lines
from users.directory.query import find
from users.models import User

# A named tuple of columns.
Row = Any
ROUNDS = 3
# As in the web process.
SETTINGS = "SET enable_seqscan = off; SET jit = off"
HEADINGS = ["lines", "found", "look-up s", "CPU s", "whole s", "CPU s", "page ms"]
Times = tuple[float, float]


def measure_lists(options: argparse.Namespace) -> Report:
    """Returns the median times of ROUNDS, and the CPU seconds of this process and the server's.
    "Whole" is reading, looking up and storing; "page" is the first page of the list.
    """
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
    owner = User.objects.filter(is_superuser=True).order_by("pk")[0]
    rows = [measure_lines(name, text, owner) for name, text in pasted_texts().items()]
    conditions = run_conditions(User.objects.count(), lines=f"{LINES_MAX:,}")
    table = markdown_table(HEADINGS, [list(map(str, row.values())) for row in rows])
    text = f"{condition_lines(conditions)}\n\n{table}"
    return Report(text, {"conditions": conditions, "lists": rows})


def pasted_texts() -> dict[str, str]:
    """Returns a text of LINES_MAX lines for each kind of line."""
    chance = Random(1)
    newest = User.objects.latest("pk").pk
    ids = chance.sample(range(1, newest + 1), LINES_MAX)
    columns = ("pk", "email", "username", "phone", "first_name", "last_name")
    rows: Any = User.objects.filter(pk__among=ids).values_list(*columns, named=True)
    found: list[Row] = list(rows)
    chance.shuffle(found)
    lines: dict[str, Callable[[Row], str]] = {
        "account IDs": lambda row: str(row.pk),
        "email addresses": lambda row: row.email or row.username,
        "usernames": lambda row: row.username.upper(),
        "phone numbers": lambda row: row.phone or row.username,
        "names": lambda row: f"{row.first_name} {row.last_name}".strip() or row.username,
        "a mixture": lambda row: str(row[row.pk % 4] or row.username),
        "unknown account IDs": lambda row: str(9_000_000_000 + row.pk),
        "unknown addresses": lambda row: f"nobody.{row.username}@example.org",
        "unknown usernames": lambda row: f"nobody{row.pk}",
        "unknown phone numbers": lambda row: f"+49 (0)171 {row.pk % 10_000_000:07}",
        "unknown names": lambda row: f"Nobody {row.pk % 1000} {row.last_name}",
    }
    return {name: "\n".join(map(line, found)) for name, line in lines.items()}


def measure_lines(name: str, text: str, owner: User) -> dict[str, object]:
    typed = read_lines(text)
    texts = [line for _, line in typed.lines]
    lookup = median_times(lambda: look_up_lines(texts, LineKind.ANY))
    whole = median_times(lambda: store_text(text, owner))
    pasted = store_text(text, owner)
    counts = pasted_lists.count_line_outcomes(pasted)
    wanted = Filter.parse(QueryDict(f"list={pasted.pk}"), viewer_id=owner.pk)
    page = median_times(lambda: find(wanted))
    PastedList.objects.all().delete()
    return {
        "name": name,
        "found": f"{counts['found'] + counts['repeated']:,}",
        "lookup": round(lookup[0], 2),
        "lookup_cpu": round(lookup[1], 2),
        "whole": round(whole[0], 2),
        "whole_cpu": round(whole[1], 2),
        "page_ms": round(1000 * page[0], 1),
    }


def store_text(text: str, owner: User) -> PastedList:
    """Returns the new list of a text, after the one before it was deleted."""
    for other in PastedList.objects.filter(owner=owner):
        pasted_lists.delete_list(other)
    typed: TypedLines = read_lines(text)
    return pasted_lists.create_list(typed, by=owner, kind=LineKind.ANY)


def median_times(call: Callable[[], object]) -> Times:
    """Returns the median seconds of a call, and its median CPU seconds."""
    seconds = []
    cpu_seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        begin_cpu = used_cpu()
        call()
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(used_cpu() - begin_cpu)
    return median(seconds), median(cpu_seconds)


def used_cpu() -> float:
    """Returns the CPU seconds of this process and of its server process, on this machine."""
    pid = connection.connection.info.backend_pid
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")
