"""bin/bench --sign-in: whether the time of an answer tells if somebody has an account.

Wrong passwords and resets are sent for accounts and for names that nobody has, in turns, each from
an address of its own, as through a proxy: otherwise the limits of attempts would answer.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from django.contrib.auth.hashers import make_password

from benchmarks.client import Connection
from benchmarks.measure import p95
from benchmarks.peers import CSRF, Peer, run_servers
from benchmarks.report import Report, condition_lines, markdown_table
from users.mail.models import Message
from users.models import State, User

TRIES = 200
WARM_UP = 10
WRONG = "not-the-password-of-anyone"
ANSWERED = {"/login/": 422, "/password/reset/": 302}
HEADINGS = ["request", "account ms", "p95", "no account ms", "p95", "difference ms"]
NOTES = f"""Medians of {TRIES} requests each, in turns. Passwords are hashed by Argon2 with the
settings of production."""


class Stranger(Connection):
    """A connection of someone who is not signed in, from the network address `number` of many."""

    number = 0

    @property
    def head(self) -> str:
        address = f"198.{18 + self.number // 65536}.{self.number // 256 % 256}.{self.number % 256}"
        return f"{super().head}X-Forwarded-For: {address}\r\n"


@dataclass
class Answers:
    """The milliseconds of the answers for accounts and for names that nobody has."""

    path: str
    existing: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)

    @property
    def difference(self) -> float:
        return median(self.existing) - median(self.absent)

    def cells(self) -> list[str]:
        existing = [f"{median(self.existing):.1f}", f"{p95(self.existing):.1f}"]
        absent = [f"{median(self.absent):.1f}", f"{p95(self.absent):.1f}"]
        return [f"POST {self.path}", *existing, *absent, f"{self.difference:+.1f}"]


def measure_sign_in(
    options: argparse.Namespace, rollcall: Peer, conditions: dict[str, Any]
) -> Report:
    """Returns the medians of both kinds. Raises RuntimeError for an unexpected answer."""
    proxied = replace(rollcall, environment=rollcall.environment | {"TRUSTED_PROXIES": "1"})
    sign_in = Answers("/login/")
    reset = Answers("/password/reset/")
    with known_accounts() as accounts, run_servers([proxied], options.keep, counted=False) as [web]:
        stranger = Stranger(web.port, f"csrf={CSRF}")
        for number, account in enumerate(accounts):
            print(f"{number + 1}/{len(accounts)}", end="\r", file=sys.stderr, flush=True)
            is_counted = number >= WARM_UP
            for answers in (sign_in, reset):
                ask_both(stranger, answers, account, number, is_counted=is_counted)
    table = markdown_table(HEADINGS, [sign_in.cells(), reset.cells()])
    text = f"{condition_lines(conditions)}\n\n{table}\n\n{NOTES}"
    data = {each.path: vars(each) for each in (sign_in, reset)}
    return Report(text, {"conditions": conditions, "answers": data})


def ask_both(
    stranger: Stranger, answers: Answers, account: User, number: int, *, is_counted: bool
) -> None:
    """Asks for the account and for nobody; every other time in the other order."""
    names = {"existing": account.email, "absent": f"nobody{number}.{account.email}"}
    kinds = sorted(names, reverse=bool(number % 2))
    for kind in kinds:
        stranger.number += 1
        milliseconds = ask_as_stranger(stranger, answers.path, names[kind])
        if is_counted:
            getattr(answers, kind).append(milliseconds)


def ask_as_stranger(stranger: Stranger, path: str, name: str) -> float:
    fields = [("csrfmiddlewaretoken", CSRF), ("login", name), ("email", name), ("password", WRONG)]
    answer = stranger.post(path, fields)
    if answer.status != ANSWERED[path]:
        raise RuntimeError(f"POST {path} gives {answer.status}.")
    return answer.seconds * 1000


@contextmanager
def known_accounts() -> Iterator[list[User]]:
    """Yields active accounts, which have a password until the block ends."""
    rows = User.objects.filter(status=State.ACTIVE, is_staff=False).exclude(email="")
    accounts = list(rows.order_by("pk")[: TRIES + WARM_UP])
    ids = [account.pk for account in accounts]
    User.objects.filter(pk__in=ids).update(password=make_password("a-password-of-somebody"))
    try:
        yield accounts
    finally:
        for account in accounts:
            User.objects.filter(pk=account.pk).update(password=account.password)
        Message.objects.filter(account_id__in=ids, kind="password-reset").delete()
