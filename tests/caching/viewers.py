"""Signed-in viewers of cached pages."""

from django.test import Client

from users.models import User

PART = {"HX-Request": "true", "HX-Target": "results"}


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account)
    client.get("/me/")
    return client
