"""The service accounts as the list shows them."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from users import masking
from users.models import User
from users.staff.people import held_roles
from users.tokens.models import ApiToken
from users.tokens.token_list import active_holders

SIZE = 50


def find_services() -> QuerySet[User]:
    """Returns the service accounts, each with `token_used_at`, when one of its tokens was used."""
    used = ApiToken.objects.filter(holder_id=OuterRef("pk"), last_used_at__isnull=False)
    last = used.order_by("-last_used_at").values("last_used_at")[:1]
    found = User.objects.filter(owner_id__isnull=False)
    return found.annotate(token_used_at=Subquery(last))


def describe_services(rows: list[User], viewer: Any) -> list[User]:
    """Returns the accounts as the viewer may see them, each with `owner` and `held_roles`, and
    `works`, whether it may act now.
    """
    able = active_holders(rows)
    held = held_roles([row.pk for row in rows])
    people = User.objects.filter(pk__in={row.owner_id for row in rows})
    owners = {each.pk: each for each in masking.mask_accounts(list(people), viewer)}
    accounts = masking.mask_accounts(rows, viewer)
    for account in accounts:
        shown: Any = account
        shown.owner = owners.get(account.owner_id or 0)
        shown.held_roles = held[account.pk]
        shown.works = account.pk in able
    return accounts
