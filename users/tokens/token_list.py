"""The tokens as lists show them: with their permissions in words and their holders."""

from typing import Any

from django.db.models import QuerySet

from users import masking
from users.models import User
from users.service_owners import active_staff
from users.tokens.models import ApiToken
from users.tokens.scopes import scope_label

SIZE = 50


def tokens_of(holder_ids: list[int]) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(holder_id__in=holder_ids).order_by("-pk")


def describe_tokens(tokens: list[ApiToken], viewer: Any) -> list[ApiToken]:
    """Returns the tokens, each with `abilities`, `holder` as the viewer may see it, and `works`,
    whether it may be used now.
    """
    ids = {token.holder_id for token in tokens}
    accounts = list(User.objects.filter(pk__in=ids))
    able = active_holders(accounts)
    shown = {each.pk: each for each in masking.mask_accounts(accounts, viewer)}
    for token in tokens:
        row: Any = token
        row.abilities = [scope_label(codename) for codename in token.scopes]
        row.holder = shown.get(token.holder_id)
        row.works = token.is_live and token.holder_id in able
    return tokens


def active_holders(accounts: list[User]) -> set[int]:
    """Returns the IDs of the accounts that may act now: active staff, with an owner who is too."""
    owners = {account.owner_id for account in accounts if account.owner_id}
    active = set(active_staff().filter(pk__in=owners).values_list("pk", flat=True))
    able = set()
    for account in accounts:
        has_owner = not account.is_service or account.owner_id in active
        if account.is_active and account.is_staff and has_owner:
            able.add(account.pk)
    return able
