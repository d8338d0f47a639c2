"""Counts uses of personal data, and requires an identity confirmation for heavy use.

Above the hourly limit (users/meter/limits.py) the next use raises SudoRequired, and is served once
the person has confirmed their identity after that. The database adds up the uses of all processes,
so only simultaneous requests can pass a limit together. A repetition of the last use
costs no statement: the query that loads the viewer has read that use.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction

from users import access
from users.database.clock import current_hour, current_time
from users.exceptions import SudoRequired, VerbRefused
from users.meter.hour_totals import (
    NO_SUBJECT,
    HourTotal,
    add_use,
    add_use_without_waiting,
    hour_rows,
    store_shown_subject,
    uncounted_values,
)
from users.meter.limits import UseLimit, person_limits
from users.meter.models import UseKind
from users.meter.reports import logger, passed_another_limit, report_use
from users.meter.usual_reads import unusual_from
from users.sudo.recent import authenticated_at

# Use above this many budgets is reported to administrators.
REPORTED_BUDGETS = 2


class SpentBudget(NamedTuple):
    """An hourly limit that has been reached, and when the person was asked to confirm it."""

    asked_at: datetime | None
    allowed: UseLimit


def count_use(request: Any, kind: str, *, subject: int, number: int = 1) -> None:
    """Counts what this request is about to show. Raises SudoRequired above the limit.

    `subject`: what is shown. Repeating the last one does not count, such as another tab of the
    same account.
    """
    account = request.user
    total = add_new_use(account, kind, number, subject)
    if total is None or total.uses <= total.allowed.limit:
        return
    if has_sudo_since(request, total.asked_at):
        store_shown_subject(account.pk, kind, subject)
        report_heavy_use(account, kind, total)
        return
    ask_for_sudo(account, kind, total.asked_at, total.allowed, uncounted=number)


def count_program_use(account: Any, kind: str, *, subject: int, number: int = 1) -> None:
    """Counts what a program of the account is about to read. Raises SudoRequired above the limit:
    a program can't confirm anything, so it has to wait for the next hour. What it goes on to ask
    for counts too, and is reported.
    """
    total = add_new_use(account, kind, number, subject)
    if total is None:
        return
    report_heavy_use(account, kind, total)
    report_unusual_reads(account, kind, total, number)
    if total.uses > total.allowed.limit:
        ask_for_sudo(account, kind, total.asked_at, total.allowed)


def count_shown_use(account: Any, kind: str, *, subject: int) -> None:
    """Counts a use that is shown even above the limit, such as the response to a form."""
    total = add_new_use(account, kind, 1, subject)
    if total is not None:
        report_heavy_use(account, kind, total)
        report_unusual_reads(account, kind, total, 1)


def add_new_use(account: Any, kind: str, number: int, subject: int) -> HourTotal | None:
    """Counts a use. Returns None if it repeats the last one, or could not be counted.

    The viewer comes with the last use of each kind in this hour, over all processes, as "openings:7
    searches:12". The statement would not change a row with this subject, so it is not sent.
    """
    last_uses = getattr(account, "last_uses", None) or ""
    if subject != NO_SUBJECT and f"{kind}:{subject}" in last_uses.split():
        return None
    # This request changes the row, so what was read of it no longer holds.
    account.last_uses = None
    return add_use_without_waiting(account.pk, kind, number, subject)


def require_allowance(request: Any, kind: str) -> None:
    """Raises SudoRequired if one more use would pass the limit. It counts nothing."""
    account = request.user
    spent = spent_budget(account, kind)
    if spent and not has_sudo_since(request, spent.asked_at):
        ask_for_sudo(account, kind, spent.asked_at, spent.allowed)


def require_program_allowance(account: Any, kind: str) -> None:
    """Raises SudoRequired if one more use by a program of the account would pass the limit."""
    if spent := spent_budget(account, kind):
        ask_for_sudo(account, kind, spent.asked_at, spent.allowed)


def spent_budget(account: Any, kind: str) -> SpentBudget | None:
    """Returns the limit if nothing is left of it, and when the person was asked; else None."""
    row = hour_rows(account.pk).filter(kind=kind).first()
    if row is None:
        return None
    allowed = person_limits([account.pk])[account.pk][kind]
    return SpentBudget(row.asked_at, allowed) if row.count >= allowed.limit else None


def count_reveal(by: Any) -> None:
    """Counts a reveal in the transaction of its event. Raises VerbRefused if the person has
    revealed REVEALS_PER_HOUR accounts in this hour.
    """
    if isinstance(by, access.CommandActor):
        return
    total = add_use(by.pk, UseKind.REVEAL)
    if total is None:
        return
    if total.uses > settings.REVEALS_PER_HOUR:
        until = current_hour() + timedelta(hours=1)
        raise VerbRefused(
            f"You have revealed the data of {settings.REVEALS_PER_HOUR} accounts within an hour, "
            f"which is the limit. Try again after {until:%H:%M} UTC."
        )
    report_heavy_use(by, UseKind.REVEAL, total)


def has_sudo_since(request: Any, asked_at: Any) -> bool:
    """Returns whether the viewer has confirmed who they are after `asked_at`."""
    confirmed_at = authenticated_at(request.session)
    return asked_at is not None and confirmed_at is not None and confirmed_at > asked_at


def ask_for_sudo(
    account: Any, kind: str, asked_at: Any, allowed: UseLimit, *, uncounted: int = 0
) -> None:
    """Raises SudoRequired, after storing that the limit was passed. A second limit within the hour
    is reported. `uncounted`: uses that were counted but are not served now.

    If this can’t be stored, the use is served, because a confirmation would not be recognised.
    """
    values = uncounted_values(uncounted)
    if asked_at is None:
        values |= {
            "asked_at": current_time(),
            "limit": allowed.limit,
            "budget": allowed.budget,
        }
    try:
        hour_rows(account.pk).filter(kind=kind).update(**values)
    except DatabaseError as error:
        logger.error("A limit of personal data was not enforced: %s", type(error).__name__)
        return
    if asked_at is None and passed_another_limit(account.pk, kind):
        report_without_failing(account, kind, allowed)
    raise SudoRequired(is_heavy_use=True)


def report_heavy_use(account: Any, kind: str, total: HourTotal) -> None:
    """Reports a use above twice the budget, once in an hour."""
    budget = total.allowed.budget
    if total.uses > REPORTED_BUDGETS * budget and total.reported_at is None:
        report_without_failing(account, kind, total.allowed)


def report_unusual_reads(account: Any, kind: str, total: HourTotal, number: int) -> None:
    """Reports a program that reads many more accounts than in any hour before, once in an hour."""
    if kind != UseKind.EXPORT or not account.is_service or total.reported_at is not None:
        return
    allowed = total.allowed
    highest = unusual_from(account.pk, total.uses, number)
    if highest is not None and highest < allowed.budget:
        report_without_failing(account, kind, UseLimit(highest, allowed.budget))


def report_without_failing(account: Any, kind: str, allowed: UseLimit) -> None:
    """Reports the use. An error does not fail the page: the next use reports it."""
    try:
        with transaction.atomic():
            report_use(account, kind, allowed)
    except DatabaseError as error:
        logger.error("A use of personal data was not reported yet: %s", type(error).__name__)
