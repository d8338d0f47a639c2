"""Counts a sign-in, by whichever method, as a recent authentication."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from users.models import User
from users.sudo.recent import record_authentication


@receiver(user_logged_in)
def record_sign_in_as_recent(sender: type, user: User, request: Any = None, **_: object) -> None:
    if request is not None:
        record_authentication(request.session, "sign-in")
