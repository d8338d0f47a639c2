"""What would happen, before it does: how many accounts, what it costs them, and which would be left
alone and why.

Up to CAP accounts everything is counted exactly. Beyond, whoever is rare (staff, sessions, waiting
mails) is counted by its own index, and shares come from a sample; the words say which is which.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from users import access
from users.bulk.action import Action
from users.bulk.counting import BRIEFLY, ENOUGH, Number, capped, limited, number_of, plain, sample
from users.bulk.eligibility import SAME
from users.bulk.lock import plain_accounts, spared
from users.bulk.selection import CAP, Selection
from users.directory.counts import in_words
from users.jobs.models import Job
from users.mail.models import Message
from users.models import UserQuerySet
from users.sessions.models import Session

UNKNOWN = "too many to count in time"
NOTHING = "No change needed."


@dataclass(frozen=True)
class Figure:
    """`loud`: worth a second look before going on."""

    label: str
    value: str
    loud: bool = False
    note: str = ""


@dataclass
class Preview:
    number: Number
    figures: list[Figure] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)  # how many, and why
    sampled: int = 0  # accounts on which shares rest; 0: on all


def preview(action: Action, selection: Selection, by: Any, job: Job) -> Preview:
    """`job`: not stored; its parameters may decide what would be skipped."""
    found = Preview(number_of(selection))
    if not action.touches:
        return found
    whole = found.number.exact and found.number.value <= CAP
    accounts = plain(selection)
    ids = list(accounts.values_list("pk", flat=True)[:CAP]) if whole else sample(selection)
    some = plain_accounts().filter(pk__among=ids)
    scale = 1.0 if whole else found.number.value / len(ids) if len(ids) >= ENOUGH else 0.0
    found.sampled = 0 if whole else len(ids)
    refused = refusals(action, by, some if whole else accounts)
    found.figures = blast_radius(action, some if whole else accounts, some, refused, scale)
    found.skips = skips(action, some, refused, job, scale)
    return found


def refusals(action: Action, by: Any, accounts: UserQuerySet) -> dict[int, str] | None:
    """By id, or None where it takes too long to find them."""
    with limited(BRIEFLY):
        refused = {
            pk: why.reason for pk, why in access.refusals(by, action.action, accounts).items()
        }
        superusers = accounts.filter(is_superuser=True)
        return refused | (spared(superusers, refused) if action.takes_keys else {})
    return None


def blast_radius(
    action: Action,
    accounts: UserQuerySet,
    some: UserQuerySet,
    refused: dict[int, str] | None,
    scale: float,
) -> list[Figure]:
    """`some`: all of the accounts, or a sample, of which each stands for `scale` of them (0: too
    few to tell).
    """
    theirs = {"account_id__in": accounts.values("pk")}
    sessions = capped(Session.objects.filter(expire_date__gt=timezone.now(), **theirs))
    mails = capped(Message.objects.filter(state=Message.State.WAITING, **theirs))
    staff = capped(accounts.filter(is_staff=True))
    superusers = capped(accounts.filter(is_superuser=True))
    ending = "will end" if action.ends_sessions else "stay open"
    found = [
        Figure(
            "Active sessions",
            counted(sessions),
            bool(sessions) and action.ends_sessions,
            ending if sessions else "",
        ),
        Figure("Queued emails", counted(mails), bool(mails)),
        Figure("Staff accounts included", counted(staff), bool(staff), with_superusers(superusers)),
        Figure(
            "Accounts you may not change",
            UNKNOWN if refused is None else counted(len(refused)),
            bool(refused),
        ),
        Figure("Never signed in", share(some, scale)),
    ]
    if action.takes_keys and staff:
        lost = rights_lost(accounts, refused or {})
        found.append(
            Figure(
                "Will lose back-office access",
                counted(sum(lost.values())),
                bool(lost),
                ", ".join(listed(lost)),
            )
        )
    return found


def rights_lost(accounts: UserQuerySet, refused: dict[int, str]) -> Counter[str]:
    """By role, of the staff that would be changed."""
    lost: Counter[str] = Counter()
    with limited(BRIEFLY):
        staff = accounts.filter(is_staff=True).values_list("pk", "groups__name")[: CAP + 1]
        first = {pk: name or "no role" for pk, name in staff if pk not in refused}
        lost.update(first.values())
    return lost


def skips(
    action: Action, some: UserQuerySet, refused: dict[int, str] | None, job: Job, scale: float
) -> list[tuple[str, str]]:
    found = [
        (counted(number), why) for why, number in Counter((refused or {}).values()).most_common()
    ]
    if not scale or not hasattr(action, "judged"):
        return found
    judged = action.judged(some.exclude(pk__among=list(refused or {})), job, timezone.now())
    with limited(BRIEFLY):
        for why, number in (
            judged.exclude(why="").values_list("why").annotate(n=Count("pk")).order_by("-n")
        ):
            many = counted(number) if scale == 1 else f"about {in_words(round(number * scale))}"
            found.append((many, NOTHING if why == SAME else why))
    return found


def share(some: UserQuerySet, scale: float) -> str:
    with limited(BRIEFLY):
        of = some.aggregate(
            all=Count("pk"), never=Count("pk", filter=Q(last_seen_at=None, last_login=None))
        )
        if not scale or not of["all"]:
            return "sample too small" if not scale else "none"
        percent = round(100 * of["never"] / of["all"])
        return f"{of['never']:,} ({percent} %)" if scale == 1 else f"about {percent} %"
    return UNKNOWN


def counted(number: int | None) -> str:
    if number is None:
        return UNKNOWN
    return f"more than {CAP:,}" if number > CAP else f"{number:,}" if number else "none"


def with_superusers(number: int | None) -> str:
    return f"{number:,} of them superuser{'s' if number > 1 else ''}" if number else ""


def listed(lost: Counter[str]) -> list[str]:
    return [f"{name} {number:,}" for name, number in lost.most_common(4)] + (
        ["…"] if len(lost) > 4 else []
    )
