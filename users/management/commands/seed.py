"""manage.py seed --accounts N: creates realistic, reproducible demo accounts."""

import os
import sys
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.crypto import get_random_string

from users.demo.indexes import refresh_statistics
from users.demo.seeding import AccountsExist, SeedOrder, count_by_status, seed_accounts
from users.models import User
from users.usernames import normalise_username

ACCOUNTS_MAX = 100_000_000
# Between two lines about the progress.
PROGRESS_SECONDS = 2
PASSWORD_VARIABLE = "ROLLCALL_ADMIN_PASSWORD"  # noqa: S105  the name of a variable


class Command(BaseCommand):
    help = (
        "Fills the directory with made-up accounts. "
        "The same --accounts, --seed and --until give the same rows. "
        f"Only --admin can sign in; its password comes from {PASSWORD_VARIABLE}, from a prompt, "
        "or is generated and printed once. "
        "Everything is one transaction: if it is interrupted, nothing is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_row_arguments(parser)
        parser.add_argument(
            "--admin",
            default="",
            metavar="USERNAME",
            help="also create this superuser, to sign in with",
        )
        parser.add_argument("--more", action="store_true", help="add to existing accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        order = self.order(options)
        self.started = time.monotonic()
        self.progress_shown = self.started
        self.say(
            f"Creating {order.accounts:,} accounts, seed {order.seed}, joined until "
            f"{order.until:%Y-%m-%d}"
        )
        try:
            plan = seed_accounts(
                order, more=options["more"], say=self.say, progress=self.show_progress
            )
        except AccountsExist as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted: nothing was stored.", returncode=130) from error
        self.say("Gathering statistics")
        refresh_statistics()
        self.report(order, plan.accounts)

    def order(self, options: dict[str, Any]) -> SeedOrder:
        accounts = options["accounts"]
        admin = options["admin"]
        if not 1 <= accounts <= ACCOUNTS_MAX:
            raise CommandError(f"--accounts must be a number from 1 to {ACCOUNTS_MAX:,}.")
        midnight = datetime.now(UTC).replace(
            hour=0,
            minute=0,
            second=0,
            microsecond=0,
        )
        until = options["until"] or midnight
        if not admin:
            return SeedOrder(accounts, options["seed"], until)
        try:
            admin = normalise_username(admin)
        except ValidationError as error:
            raise CommandError(f"--admin: {error.messages[0]}") from error
        if User.objects.filter(username=admin).exists():
            raise CommandError(f"--admin: the account “{admin}” already exists.")
        return SeedOrder(accounts, options["seed"], until, admin, self.password(admin))

    def password(self, username: str) -> str:
        """Returns a password from the environment or a prompt, else a generated one.

        Raises CommandError if it is not valid.
        """
        given = os.environ.get(PASSWORD_VARIABLE, "")
        if not given and sys.stdin.isatty():
            given = getpass(f"Password for {username} (empty: generate one): ")
        if not given:
            generated = get_random_string(16)
            self.stdout.write(f"Password of {username} (not shown again): {generated}")
            return generated
        try:
            validate_password(given, User(username=username, is_superuser=True))
        except ValidationError as error:
            reason = " ".join(error.messages)
            raise CommandError(f"This password can’t be used. {reason}") from error
        return given

    def show_progress(self, rows: int) -> None:
        now = time.monotonic()
        if now - self.progress_shown >= PROGRESS_SECONDS:
            self.progress_shown = now
            self.say(f"  {rows:,} rows, {rows / (now - self.started):,.0f} per second")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        # A pipe would buffer it until the end.
        self.stdout.flush()

    def report(self, order: SeedOrder, rows: int) -> None:
        seconds = time.monotonic() - self.started
        self.stdout.write(
            f"Done in {seconds:.1f} s: {rows / seconds:,.0f} accounts per second, "
            "including indexes and statistics"
        )
        if order.admin:
            self.stdout.write(f"Sign in as {order.admin}")
        found = count_by_status()
        staff = found.pop("staff")
        parts = " + ".join(f"{number} {status}" for status, number in sorted(found.items()))
        self.stdout.write(f"{sum(found.values())} accounts = {parts}; {staff} of them staff")


def add_row_arguments(parser: ArgumentParser) -> None:
    """Adds the options that determine the rows."""
    parser.add_argument(
        "--accounts",
        type=int,
        required=True,
        metavar="N",
        help="number of accounts, including staff",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="random seed; another number gives other people (default: 1)",
    )
    parser.add_argument(
        "--until",
        type=parse_date,
        metavar="DATE",
        help="accounts joined before this day (default: today)",
    )


def parse_date(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
