"""Loads the account that a URL names, after the permission check."""

from collections.abc import Callable

from django.http import Http404

from users import access, masking
from users.database.cached_query import CachedQuery
from users.identifiers import LARGEST_ID
from users.models import User

BY_ID = CachedQuery(User, lambda pk: User.objects.filter(pk=pk))


def load_account(pk: int) -> User | None:
    """Returns the account as stored; None if there is none."""
    found = BY_ID.objects(pk)
    return found[0] if found else None


def get_account(
    request, action: str, pk: int, *, load: Callable[[int], User | None] = load_account
) -> User:
    """Returns the account as the viewer may see it. Raises Http404, or Denied if the viewer may not
    do `action` to it. Without access to the directory it is Denied for any id, so that nobody can
    find out which accounts exist.
    """
    account = get_unmasked_account(request, action, pk, load=load)
    return masking.mask_accounts([account], request.user)[0]


def get_unmasked_account(
    request, action: str, pk: int, *, load: Callable[[int], User | None] = load_account
) -> User:
    """Returns the account unmasked: for code that compares values, never for a template."""
    access.require(request.user, "view")
    account = load(pk) if pk <= LARGEST_ID else None
    if account is None:
        raise Http404
    access.require(request.user, action, account)
    return account
