"""Decides who may sign in without the OpenID Connect provider. In the mode "only" staff may not,
except the break-glass account.
"""

from typing import Any

from django.conf import settings


def must_use_provider(account: Any) -> bool:
    """Returns whether the account can't sign in by a password or a passkey of Rollcall."""
    is_bound = settings.OIDC.mode == "only" and account.is_staff
    return bool(is_bound and not is_break_glass(account))


def is_break_glass(account: Any) -> bool:
    """Returns whether this is the account whose use alarms all administrators."""
    return bool(settings.OIDC.break_glass) and account.username == settings.OIDC.break_glass


def may_reset_password(account: Any) -> bool:
    """Returns whether a link in an email may lead to a new password. The break-glass account has
    none, since it would be open to whoever reads its mailbox.
    """
    return not (settings.OIDC.mode == "only" and account.is_staff)
