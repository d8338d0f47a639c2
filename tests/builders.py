"""Builders of accounts with defaults, so that a test names only what matters to it."""

from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from users.models import State, User

numbers = count(1)
PASSWORD = "a-long-enough-passphrase"


def make_user(role: str = "", **fields: Any) -> User:
    """Returns a saved account, which is active by default. With a `role` it is staff."""
    number = next(numbers)
    status = fields.get("status", State.ACTIVE)
    if status == State.SUSPENDED:
        fields.setdefault("status_reason", "for a test")
    username = fields.pop("username", f"person{number}")
    local = username if username.isascii() and "@" not in username else f"person{number}"
    fields.setdefault("email", f"{local}@example.com")
    fields.setdefault("is_staff", bool(role))
    user = User.objects.create_user(username, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_users(count: int) -> list[User]:
    """Returns saved accounts that are like those of `make_user`, created by one statement."""
    accounts = []
    for _ in range(count):
        username = f"person{next(numbers)}"
        account = User(username=username, email=f"{username}@example.com")
        account.set_unusable_password()
        account.derive()
        accounts.append(account)
    return User.objects.bulk_create(accounts)


def make_superuser(**fields: Any) -> User:
    return make_user(**({"is_staff": True, "is_superuser": True} | fields))
