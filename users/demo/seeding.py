"""Fills the directory with made-up accounts in one transaction."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count

from users import access
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.dashboard.daily_counts import CREATIONS, add_demo_counts
from users.dashboard.rollups import rebuild_rollups
from users.database.outside_triggers import without_outside_triggers
from users.demo import indexes, row_loading
from users.demo.factors import write_apps
from users.demo.history import write_history
from users.demo.people import DemoPlan
from users.demo.signins import write_signins
from users.demo.staff import NAMED_STAFF, give_roles, make_admin, make_named
from users.models import User, UserQuerySet

# A directory of at least this size also gets one account named after each role.
NAMED_FROM = 100
# The plots show twelve months.
ROLLUP_AGE = timedelta(days=400)


@dataclass(frozen=True)
class SeedOrder:
    """The parameters of a seed. `accounts` is the total, including the first sign-in account (if
    `admin` gives its name) and those named after roles.
    """

    accounts: int
    seed: int
    until: datetime
    admin: str = ""
    password: str = ""


class AccountsExist(Exception):
    """Raised if there are accounts already and --more is not given."""


def seed_accounts(
    order: SeedOrder, *, more: bool, say: Callable[[str], None], progress: row_loading.Progress
) -> DemoPlan:
    """Writes the accounts and their history in one transaction.

    `more` adds to existing accounts; without it they raise AccountsExist. The caller refreshes the
    statistics of the table.
    """
    # The event of the seed stands for all accounts.
    with transaction.atomic(), without_outside_triggers(connection):
        row_loading.lock_accounts()
        empty = not User.objects.exists()
        if not empty and not more:
            raise AccountsExist("There are accounts already. Use --more to add to them.")
        named = empty and order.accounts >= NAMED_FROM
        plan = make_plan(order, named)
        with indexes.rebuild_after(plan.accounts) if empty else nullcontext():
            row_loading.load_rows(plan, progress)
            say("Building indexes" if empty else "Indexes are up to date.")
        add_people(order, plan, with_named=named, say=say)
    fill_rollups(plan, say)
    return plan


def fill_rollups(plan: DemoPlan, say: Callable[[str], None]) -> None:
    """Fills the dashboard. Demo accounts count by the day on which they joined, as if each had the
    event of its creation.
    """
    with_event = AuditEvent.objects.filter(action__in=CREATIONS, target_id__gte=plan.first_id)
    accounts = UserQuerySet(User).filter(
        pk__gte=plan.first_id,
        date_joined__gte=plan.until - ROLLUP_AGE,
    )
    with transaction.atomic():
        add_demo_counts(accounts.exclude(pk__in=with_event.values("target_id")))
    rebuild_rollups(say)


def make_plan(order: SeedOrder, with_named: bool) -> DemoPlan:
    named = len(NAMED_STAFF) if with_named else 0
    accounts = order.accounts - named - bool(order.admin)
    return DemoPlan(
        accounts=accounts,
        seed=order.seed,
        first_id=row_loading.next_id(),
        until=order.until,
        staff=min(300, accounts // 40),
        rest=row_loading.default_columns(),
    )


def add_people(
    order: SeedOrder, plan: DemoPlan, *, with_named: bool, say: Callable[[str], None]
) -> None:
    """Writes staff accounts, roles, events and sign-in attempts, which need the other rows and
    their indexes.
    """
    actor = access.CommandActor("seed")
    give_roles(plan.first_id, plan.last_id)
    write_apps(plan.first_id, plan.last_id)
    say(f"Wrote {write_history(plan.first_id, plan.seed, plan.until):,} past events")
    # Their events are dated now, so they come after those of the past.
    if with_named:
        make_named(actor)
    if order.admin:
        make_admin(order.admin, order.password, actor)
    say(f"Wrote {write_signins(plan.first_id, plan.seed, plan.until):,} sign-in attempts")
    after = {
        "accounts": order.accounts,
        "seed": plan.seed,
        "first_id": plan.first_id,
        "until": order.until,
    }
    record_event("accounts.seeded", actor=actor, after=after)


def count_by_status() -> dict[str, int]:
    """Returns the number of accounts of each status, and of staff accounts under "staff"."""
    rows = User.objects.order_by().values_list("status").annotate(number=Count("pk"))
    return dict(rows) | {"staff": User.objects.filter(is_staff=True).count()}
