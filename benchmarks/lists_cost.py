"""bin/bench --lists: the time of a pasted list of 100,000 lines, by what its lines are."""

import argparse
import time
from collections.abc import Callable
from random import Random
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
HEADINGS = ["lines", "found", "look-up s", "whole s", "page of the list ms"]


def measure_lists(options: argparse.Namespace) -> Report:
    """Returns the median times of ROUNDS. "Whole" is reading, looking up and storing."""
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
        "unknown addresses": lambda row: f"nobody.{row.username}@example.org",
        "unknown phone numbers": lambda row: f"+49 (0)171 {row.pk % 10_000_000:07}",
    }
    return {name: "\n".join(map(line, found)) for name, line in lines.items()}


def measure_lines(name: str, text: str, owner: User) -> dict[str, object]:
    typed = read_lines(text)
    texts = [line for _, line in typed.lines]
    lookup = median_time(lambda: look_up_lines(texts, LineKind.ANY))
    whole = median_time(lambda: store_text(text, owner))
    pasted = store_text(text, owner)
    counts = pasted_lists.count_outcomes(pasted)
    wanted = Filter.parse(QueryDict(f"list={pasted.pk}"), viewer_id=owner.pk)
    page = median_time(lambda: find(wanted))
    PastedList.objects.all().delete()
    return {
        "name": name,
        "found": f"{counts['found'] + counts['repeated']:,}",
        "lookup": round(lookup, 2),
        "whole": round(whole, 2),
        "page_ms": round(1000 * page, 1),
    }


def store_text(text: str, owner: User) -> PastedList:
    """Returns the new list of a text, after the one before it was deleted."""
    for other in PastedList.objects.filter(owner=owner):
        pasted_lists.delete_list(other)
    typed: TypedLines = read_lines(text)
    return pasted_lists.create_list(typed, by=owner, kind=LineKind.ANY)


def median_time(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return sorted(seconds)[ROUNDS // 2]
