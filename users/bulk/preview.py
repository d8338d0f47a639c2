"""The preview of a bulk action: how many accounts it changes, its impact, and which accounts are
skipped and why.

Up to CAP accounts everything is counted exactly. Beyond, whoever is rare (staff, sessions, waiting
mails) is counted by its own index, and shares come from a sample; the words say which is which.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from users import access
from users.bulk.action import BulkAction
from users.bulk.eligibility import NOTHING_TO_DO
from users.bulk.lock import plain_accounts, spare_last_superuser
from users.bulk.selection import SELECTION_CAP, Selection
from users.bulk.selection_count import (
    FIGURE_TIMEOUT_MS,
    SAMPLE_MIN,
    SelectionCount,
    count_rows,
    count_selection,
    sample_ids,
    selected_accounts,
    time_limit,
)
from users.directory.counts import format_estimate
from users.jobs.models import Job
from users.mail.models import Message
from users.models import UserQuerySet
from users.sessions.models import Session

UNKNOWN_COUNT = "too many to count in time"
NOTHING_TO_CHANGE = "No change needed."


@dataclass(frozen=True)
class Figure:
    """`loud`: worth a second look before going on."""

    label: str
    value: str
    loud: bool = False
    note: str = ""


@dataclass
class Preview:
    number: SelectionCount
    figures: list[Figure] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)  # how many, and why
    sampled: int = 0  # accounts on which shares rest; 0: on all


def preview_action(action: BulkAction, selection: Selection, by: Any, job: Job) -> Preview:
    """`job`: not stored; its parameters may decide what would be skipped."""
    job.by_id = by.pk  # some actions skip the person who asks
    found = Preview(count_selection(selection))
    if not action.touches:
        return found
    whole = found.number.exact and found.number.value <= SELECTION_CAP
    accounts = selected_accounts(selection)
    ids = (
        list(accounts.values_list("pk", flat=True)[:SELECTION_CAP])
        if whole
        else sample_ids(selection)
    )
    some = plain_accounts().filter(pk__among=ids)
    scale = 1.0 if whole else found.number.value / len(ids) if len(ids) >= SAMPLE_MIN else 0.0
    found.sampled = 0 if whole else len(ids)
    refused = preview_refusals(action, by, some if whole else accounts)
    found.figures = impact_figures(action, some if whole else accounts, some, refused, scale)
    found.skips = preview_skips(action, some, refused, job, scale)
    return found


def preview_refusals(action: BulkAction, by: Any, accounts: UserQuerySet) -> dict[int, str] | None:
    """By id, or None where it takes too long to find them."""
    with time_limit(FIGURE_TIMEOUT_MS):
        refused = {
            pk: why.reason for pk, why in access.find_refusals(by, action.action, accounts).items()
        }
        superusers = accounts.filter(is_superuser=True)
        return refused | (spare_last_superuser(superusers, refused) if action.takes_keys else {})
    return None


def impact_figures(
    action: BulkAction,
    accounts: UserQuerySet,
    some: UserQuerySet,
    refused: dict[int, str] | None,
    scale: float,
) -> list[Figure]:
    """`some`: all of the accounts, or a sample, of which each stands for `scale` of them (0: too
    few to tell).
    """
    theirs = {"account_id__in": accounts.values("pk")}
    sessions = count_rows(Session.objects.filter(expire_date__gt=timezone.now(), **theirs))
    mails = count_rows(Message.objects.filter(state=Message.State.WAITING, **theirs))
    staff = count_rows(accounts.filter(is_staff=True))
    superusers = count_rows(accounts.filter(is_superuser=True))
    ending = "will end" if action.ends_sessions else "stay open"
    found = [
        Figure(
            "Active sessions",
            format_count(sessions),
            bool(sessions) and action.ends_sessions,
            ending if sessions else "",
        ),
        Figure("Queued emails", format_count(mails), bool(mails)),
        Figure(
            "Staff accounts included", format_count(staff), bool(staff), superusers_note(superusers)
        ),
        Figure(
            "Accounts you may not change",
            UNKNOWN_COUNT if refused is None else format_count(len(refused)),
            bool(refused),
        ),
        Figure("Never signed in", never_signed_in(some, scale)),
    ]
    if action.takes_keys and staff:
        lost = lost_roles(accounts, refused or {})
        found.append(
            Figure(
                "Will lose back-office access",
                format_count(sum(lost.values())),
                bool(lost),
                ", ".join(format_roles(lost)),
            )
        )
    return found


def lost_roles(accounts: UserQuerySet, refused: dict[int, str]) -> Counter[str]:
    """By role, of the staff that would be changed."""
    lost: Counter[str] = Counter()
    with time_limit(FIGURE_TIMEOUT_MS):
        staff = accounts.filter(is_staff=True).values_list("pk", "groups__name")[
            : SELECTION_CAP + 1
        ]
        first = {pk: name or "no role" for pk, name in staff if pk not in refused}
        lost.update(first.values())
    return lost


def preview_skips(
    action: BulkAction, some: UserQuerySet, refused: dict[int, str] | None, job: Job, scale: float
) -> list[tuple[str, str]]:
    found = [
        (format_count(number), why)
        for why, number in Counter((refused or {}).values()).most_common()
    ]
    if not scale or not hasattr(action, "judged"):
        return found
    judged = action.judged(some.exclude(pk__among=list(refused or {})), job, timezone.now())
    with time_limit(FIGURE_TIMEOUT_MS):
        for why, number in (
            judged.exclude(why="").values_list("why").annotate(n=Count("pk")).order_by("-n")
        ):
            many = (
                format_count(number)
                if scale == 1
                else f"about {format_estimate(round(number * scale))}"
            )
            found.append((many, NOTHING_TO_CHANGE if why == NOTHING_TO_DO else why))
    return found


def never_signed_in(some: UserQuerySet, scale: float) -> str:
    with time_limit(FIGURE_TIMEOUT_MS):
        of = some.aggregate(
            all=Count("pk"), never=Count("pk", filter=Q(last_seen_at=None, last_login=None))
        )
        if not scale or not of["all"]:
            return "sample too small" if not scale else "none"
        percent = round(100 * of["never"] / of["all"])
        return f"{of['never']:,} ({percent} %)" if scale == 1 else f"about {percent} %"
    return UNKNOWN_COUNT


def format_count(number: int | None) -> str:
    if number is None:
        return UNKNOWN_COUNT
    return (
        f"more than {SELECTION_CAP:,}"
        if number > SELECTION_CAP
        else f"{number:,}"
        if number
        else "none"
    )


def superusers_note(number: int | None) -> str:
    return f"{number:,} of them superuser{'s' if number > 1 else ''}" if number else ""


def format_roles(lost: Counter[str]) -> list[str]:
    return [f"{name} {number:,}" for name, number in lost.most_common(4)] + (
        ["…"] if len(lost) > 4 else []
    )
