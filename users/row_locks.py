"""Locks on rows of accounts, always taken in the same order."""

from users.models import User


def lock_account(account: User) -> User:
    return User.objects.select_for_update(of=("self",)).get(pk=account.pk)


def lock_superusers() -> bool:
    """Locks all superusers, always in the order of their ids, before one of them is touched: two
    requests that would each remove one of the last two queue here. True, for `guarded`.
    """
    list(
        User.objects.select_for_update(of=("self",))
        .filter(is_superuser=True)
        .order_by("pk")
        .values_list("pk")
    )
    return True
