"""Fills the directory with made-up accounts: all of them, or none."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from users import access
from users.audit.record import record_event
from users.demo import indexes, row_loading
from users.demo.history import write_history
from users.demo.people import DemoPlan
from users.demo.signins import write_signins
from users.demo.staff import NAMED_STAFF, give_roles, make_admin, make_named
from users.models import User

NAMED_FROM = 100  # from so many accounts on, there is one named after each role


@dataclass(frozen=True)
class SeedOrder:
    """`accounts` in all, the first sign-in account (if `admin` names one) and the named ones among
    them.
    """

    accounts: int
    seed: int
    until: datetime
    admin: str = ""
    password: str = ""


class AccountsExist(Exception):
    """There are accounts already, or one has the name of one that was to be made."""


def seed_accounts(
    order: SeedOrder, *, more: bool, say: Callable[[str], None], progress: row_loading.Progress
) -> DemoPlan:
    """In one transaction. Raises Occupied; `more` adds to accounts that are there. Statistics are
    for the caller to refresh.
    """
    with transaction.atomic():
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
    return plan


def make_plan(order: SeedOrder, with_named: bool) -> DemoPlan:
    ours = bool(order.admin) + (len(NAMED_STAFF) if with_named else 0)
    accounts = order.accounts - ours
    return DemoPlan(
        accounts,
        order.seed,
        row_loading.next_id(),
        order.until,
        min(300, accounts // 40),
        row_loading.default_columns(),
    )


def add_people(
    order: SeedOrder, plan: DemoPlan, *, with_named: bool, say: Callable[[str], None]
) -> None:
    """Staff and the past: what needs the rows and their indexes."""
    actor = access.CommandActor("seed")
    if with_named:
        make_named()
    if order.admin:
        make_admin(order.admin, order.password, actor)
    give_roles(plan.first_id, plan.last_id)
    say(f"Wrote {write_history(plan.first_id, plan.seed):,} past events")
    say(f"Wrote {write_signins(plan.first_id, plan.seed, plan.until):,} sign-in attempts")
    after = {
        "accounts": order.accounts,
        "seed": plan.seed,
        "first_id": plan.first_id,
        "until": order.until,
    }
    record_event("accounts.seeded", actor=actor, after=after)


def count_by_status() -> dict[str, int]:
    """How many accounts there are of each status, and how many staff."""
    rows = User.objects.order_by().values_list("status").annotate(number=Count("pk"))
    return dict(rows) | {"staff": User.objects.filter(is_staff=True).count()}
