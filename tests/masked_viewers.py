"""Viewers for whom personal data is masked."""

from django.contrib.auth.models import Permission
from django.test import Client

from tests.builders import make_user
from users.models import User

PART = {"HX-Request": "true", "HX-Target": "results"}


def everything_but(*codenames: str) -> User:
    """Returns a staff account with all permissions except view_personal and `codenames`."""
    account = make_user(is_staff=True)
    permissions = Permission.objects.filter(content_type__app_label="users")
    account.user_permissions.set(permissions.exclude(codename__in=["view_personal", *codenames]))
    return account


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account)
    client.get("/me/")
    return client
