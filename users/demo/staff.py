"""Gives demo staff their roles, and creates an account named after each role."""

from datetime import timedelta
from itertools import cycle
from secrets import randbits

from django.contrib.auth.models import Group
from django.utils import timezone

from users.audit.record import record_event
from users.demo.account_history import password_hash
from users.models import User

ROLE_SHARES = {"Support": 9, "Viewer": 6, "Manager": 3, "Auditor": 1, "Administrator": 1}
NAMED_STAFF = {
    "vera.viewer": ("Viewer", "Vera", "Lindqvist"),
    "samuel.support": ("Support", "Samuel", "Okafor"),
    "monica.manager": ("Manager", "Mónica", "Herrera"),
    "aiko.auditor": ("Auditor", "Aiko", "Watanabe"),
    "adam.administrator": ("Administrator", "Adam", "Kowalski"),
}


def give_roles(first_id: int, last_id: int) -> None:
    """Gives each staff account in the range one role, in the proportions of ROLE_SHARES."""
    groups = {group.name: group.pk for group in Group.objects.filter(name__in=ROLE_SHARES)}
    shares = []
    for name, share in ROLE_SHARES.items():
        if name in groups:
            shares += [groups[name]] * share
    staff = User.objects.filter(pk__range=(first_id, last_id), is_staff=True).order_by("pk")
    ids = staff.values_list("pk", flat=True)
    membership = User.groups.through
    rows = [membership(user_id=pk, group_id=group) for pk, group in zip(ids, cycle(shares))]
    membership.objects.bulk_create(rows, batch_size=1000)


def make_named(actor: object) -> None:
    """Creates vera.viewer@example.com and so on, with their events, and passwords that nobody
    knows. "viewer" is reserved.
    """
    now = timezone.now()
    for username, (role, first_name, last_name) in NAMED_STAFF.items():
        account = User(
            username=username,
            email=f"{username}@example.com",
            is_staff=True,
            first_name=first_name,
            last_name=last_name,
            password=password_hash(randbits(384)),
            date_joined=now - timedelta(seconds=1),
            updated_at=now,
            email_verified_at=now,
        )
        account.save()
        account.groups.set(Group.objects.filter(name=role))
        access = {"status": account.status, "is_staff": True, "groups": [role]}
        values = {"username": username, "email": account.email} | access
        record_event("account.created", actor=actor, target=account, after=values)


def make_admin(username: str, password: str, actor: object) -> User:
    """Creates the account of the first sign-in, with its event."""
    email = username if "@" in username else f"{username}@example.com"
    account = User.objects.create_superuser(username, email, password)
    record_event(
        "account.created",
        actor=actor,
        target=account,
        after={
            "username": account.username,
            "status": account.status,
            "is_superuser": True,
        },
    )
    return account
