"""The time that the database alone takes for a page of the list: no page can be faster."""

import time
from statistics import median

from django.db import connection

from benchmarks.cases import PER_PAGE, middle
from users.directory.query.account_reader import listed_sql
from users.directory.query.keyset import accounts_after
from users.models import User, UserQuerySet

REPEATS = 200


def floor() -> dict[str, float]:
    """Median seconds of the bare keyset query, its rows fetched, without the ORM."""
    places = {"page 1": "", "middle page": middle("-joined")}
    return {name: timed(*statement(cursor)) for name, cursor in places.items()}


def statement(cursor: str) -> tuple[str, tuple]:
    accounts = accounts_after(UserQuerySet(User), "-joined", cursor, backwards=False)
    return listed_sql(accounts[: PER_PAGE + 1])


def timed(sql: str, params: tuple) -> float:
    seconds = []
    with connection.cursor() as cursor:
        for _ in range(REPEATS):
            begin = time.perf_counter()
            cursor.execute(sql, params)
            cursor.fetchall()
            seconds.append(time.perf_counter() - begin)
    return median(seconds)
