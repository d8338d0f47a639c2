"""Signed-in browsers and the rows of their sessions."""

from django.core.cache import caches
from django.test import Client

from users.sessions.models import Session


def signed_in(client: Client) -> bool:
    return client.get("/me/").status_code == 200


def key_of(client: Client) -> str:
    return client.cookies["session"].value


def cached(key: str) -> str | None:
    return caches["pages"].get(f"session:{key}")


def row(key: str) -> Session | None:
    return Session.objects.filter(pk=key).first()
