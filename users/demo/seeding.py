"""Fills the directory with made-up accounts: all of them, or none."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from users import access
from users.audit.record import record
from users.demo import indexes, loading
from users.demo.history import write_history
from users.demo.people import Plan
from users.demo.signins import write_signins
from users.demo.staff import NAMED, give_roles, make_admin, make_named
from users.models import User

WORTH_NAMED = 100  # from so many accounts on, there is one named after each role


@dataclass(frozen=True)
class Order:
    """`accounts` in all, the first sign-in account (if `admin` names one) and the named ones among
    them.
    """

    accounts: int
    seed: int
    until: datetime
    admin: str = ""
    password: str = ""


class Occupied(Exception):
    """There are accounts already, or one has the name of one that was to be made."""


def seed(
    order: Order, *, more: bool, say: Callable[[str], None], progress: loading.Progress
) -> Plan:
    """In one transaction. Raises Occupied; `more` adds to accounts that are there. Statistics are
    for the caller to refresh.
    """
    with transaction.atomic():
        loading.lock_accounts()
        empty = not User.objects.exists()
        if not empty and not more:
            raise Occupied("There are accounts already. Use --more to add to them.")
        named = empty and order.accounts >= WORTH_NAMED
        plan = plan_for(order, named)
        with indexes.rebuilt_after(plan.accounts) if empty else nullcontext():
            loading.load(plan, progress)
            say("Building indexes" if empty else "Indexes are up to date.")
        add_people(order, plan, with_named=named, say=say)
    return plan


def plan_for(order: Order, with_named: bool) -> Plan:
    ours = bool(order.admin) + (len(NAMED) if with_named else 0)
    accounts = order.accounts - ours
    return Plan(
        accounts,
        order.seed,
        loading.next_id(),
        order.until,
        min(300, accounts // 40),
        loading.rest(),
    )


def add_people(order: Order, plan: Plan, *, with_named: bool, say: Callable[[str], None]) -> None:
    """Staff and the past: what needs the rows and their indexes."""
    actor = access.Command("seed")
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
    record("accounts.seeded", actor=actor, after=after)


def counts() -> dict[str, int]:
    """How many accounts there are of each status, and how many staff."""
    rows = User.objects.order_by().values_list("status").annotate(number=Count("pk"))
    return dict(rows) | {"staff": User.objects.filter(is_staff=True).count()}
