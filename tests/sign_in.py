"""Signs a test client in faster than Django does, with the same session at the end."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.test import Client

from users.sessions.store import SessionStore


def sign_in(client: Client, user: Any, backend: str | None = None) -> None:
    """Replaces Client._login, which saves an empty session first, deletes it, and saves the new
    one twice.
    """
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    request = HttpRequest()
    request.session = SessionStore(cookie.value if cookie else None)
    login(request, user, backend)
    request.session.save()
    client._set_login_cookies(request)
