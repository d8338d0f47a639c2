"""Measures the query of the list alone: the least time that a page can take."""

import time
from statistics import median

from django.db import connection

from benchmarks.cases import PER_PAGE, middle_cursor
from users.directory.query.account_reader import listed_sql
from users.directory.query.keyset import accounts_after
from users.models import User, UserQuerySet

REPEATS = 200


def measure_floor() -> dict[str, float]:
    """Returns the median seconds of the keyset query with its rows fetched, without the ORM."""
    cursors = {"page 1": "", "middle page": middle_cursor("-joined")}
    return {name: median_seconds(*page_sql(cursor)) for name, cursor in cursors.items()}


def page_sql(cursor: str) -> tuple[str, tuple]:
    accounts = accounts_after(UserQuerySet(User), "-joined", cursor, backwards=False)
    return listed_sql(accounts[: PER_PAGE + 1])


def median_seconds(sql: str, params: tuple) -> float:
    seconds = []
    with connection.cursor() as cursor:
        for _ in range(REPEATS):
            begin = time.perf_counter()
            cursor.execute(sql, params)
            cursor.fetchall()
            seconds.append(time.perf_counter() - begin)
    return median(seconds)
