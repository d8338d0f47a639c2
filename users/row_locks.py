"""Row locks on accounts, always taken in the same order."""

from users.models import User


def lock_account(account: User) -> User:
    return User.objects.select_for_update(of=("self",)).get(pk=account.pk)


def lock_superusers() -> bool:
    """Locks all superusers, in the order of their IDs, before one of them is changed.

    Two requests that would each remove one of the last two superusers therefore run one after the
    other. Returns True.
    """
    superusers = User.objects.filter(is_superuser=True).order_by("pk").values_list("pk")
    list(superusers.select_for_update(of=("self",)))
    return True
