"""Row locks on accounts. Administrators are locked before others (users/administrators.py)."""

from users.models import User


def lock_account(account: User) -> User:
    return User.objects.select_for_update(of=("self",)).get(pk=account.pk)
