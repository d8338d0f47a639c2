"""Counts the accounts that a provider reads (users/meter/), before they are sent.

Above the hourly limit, pages of several accounts are refused. Single accounts and changes are not:
a provider that can’t look an account up deactivates nobody.
"""

from http import HTTPStatus
from typing import Any

from scim2_models import SCIMException
from scim2_server.responses import ScimResponse

from users.api.problems import heavy_use_problem
from users.exceptions import SudoRequired
from users.meter.checks import count_program_use, count_shown_use
from users.meter.hour_totals import NO_SUBJECT
from users.meter.models import UseKind
from users.scim.service import ScimUser

USER_SCHEMA = str(ScimUser.__schema__)


class ReadLimitReached(SCIMException):
    """A provider has read more accounts than the hourly limit allows."""

    status = 429

    def __init__(self) -> None:
        problem = heavy_use_problem()
        super().__init__(detail=problem.detail)
        self.headers = problem.headers


def count_read_accounts(request: Any, answer: ScimResponse) -> None:
    """Counts the accounts of an answer, which the holder of the token reads. Raises
    ReadLimitReached above the limit, for several accounts. A newly created account does not count
    as read.
    """
    is_sent = int(answer.status) == HTTPStatus.OK and request.method != "HEAD"
    number = shown_users(answer.body or {}) if is_sent else 0
    if not number:
        return
    if number == 1:
        count_shown_use(request.user, UseKind.EXPORT, subject=NO_SUBJECT)
        return
    try:
        count_program_use(request.user, UseKind.EXPORT, subject=NO_SUBJECT, number=number)
    except SudoRequired as required:
        raise ReadLimitReached from required


def shown_users(answer: dict[str, Any]) -> int:
    """Returns the number of users in an answer: one, or the page of a list."""
    listed = answer.get("Resources")
    resources = listed if isinstance(listed, list) else [answer]
    return sum(USER_SCHEMA in each.get("schemas", []) for each in resources)
