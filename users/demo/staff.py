"""The people who use the demo's back office: roles for those among the rows, and a named account
for each role.
"""

from itertools import cycle

from django.contrib.auth.models import Group

from users.audit.record import record_event
from users.models import User

ROLE_SHARES = {"Support": 9, "Viewer": 6, "Manager": 3, "Auditor": 1, "Administrator": 1}
NAMED_STAFF = {
    "viewer": ("Viewer", "Vera", "Lindqvist"),
    "support": ("Support", "Samuel", "Okafor"),
    "manager": ("Manager", "Mónica", "Herrera"),
    "auditor": ("Auditor", "Aiko", "Watanabe"),
    "administrator": ("Administrator", "Adam", "Kowalski"),
}


def give_roles(first_id: int, last_id: int) -> None:
    """One role to each staff account in this range, in the shares above."""
    groups = {group.name: group.pk for group in Group.objects.filter(name__in=ROLE_SHARES)}
    turns = cycle(
        [
            groups[name]
            for name, share in ROLE_SHARES.items()
            for _ in range(share)
            if name in groups
        ]
        or [None]
    )
    staff = (
        User.objects.filter(pk__range=(first_id, last_id), is_staff=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    member = User.groups.through
    rows = [
        member(user_id=pk, group_id=group) for pk, group in zip(staff, turns, strict=False) if group
    ]
    member.objects.bulk_create(rows, batch_size=1000)


def make_named() -> None:
    """viewer, support and so on, at example.com. Nobody can sign in to them before a password
    reset.
    """
    for username, (role, first_name, last_name) in NAMED_STAFF.items():
        names = {"first_name": first_name, "last_name": last_name}
        account = User.objects.create_user(
            username, f"{username}@example.com", is_staff=True, **names
        )
        account.groups.set(Group.objects.filter(name=role))


def make_admin(username: str, password: str, actor: object) -> User:
    """The account of the first sign-in, with its event."""
    email = username if "@" in username else f"{username}@example.com"
    account = User.objects.create_superuser(username, email, password)
    record_event(
        "account.created",
        actor=actor,
        target=account,
        after={"username": account.username, "is_superuser": True},
    )
    return account
