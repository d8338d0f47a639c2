""""""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group

from users.exceptions import Refused
from users.models import User
from users.verbs.role_addition.verb import ACTION, require_groups
from users.verbs.transaction import changing, clean_reason, refuse_gone


def remove_from_groups(
    account: User, *, by: Any, groups: Iterable[Group], reason: str = "", version: int | None = None
) -> User:
    """Out of `groups`, as far as it is in them."""
    groups = require_groups(groups)
    reason = clean_reason(reason)
    with changing(
        account, ACTION, "account.groups_removed", by=by, version=version, reason=reason
    ) as current:
        refuse_gone(current)
        if not set(current.groups.all()).intersection(groups):
            raise Refused("This account has none of these roles.", current)
        current.groups.remove(*groups)
    return current
