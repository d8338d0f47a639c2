"""Gives roles to an account, and records who gave them and until when."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group

from users.audit.origin import current_origin
from users.models import User
from users.role_grants import administrator_roles, record_grants
from users.sessions.store import renew_session_keys
from users.verbs.superuser_notice import notify_administrators


def grant_roles(
    account: User,
    groups: Iterable[Group],
    *,
    by: Any,
    until: datetime | None = None,
    reason: str = "",
) -> None:
    """Adds the locked account to those of `groups` that it is not in. The caller has checked that
    `by` may grant them, and records the event.
    """
    gained = set(groups) - set(account.groups.all())
    account.groups.add(*gained)
    record_grants(
        [account.pk],
        gained,
        by=by,
        until=until,
        reason=reason,
        ticket=current_origin.get().ticket,
    )
    renew_session_keys([account.pk])
    if not account.is_superuser and administrator_roles(gained):
        notify_administrators(account)
