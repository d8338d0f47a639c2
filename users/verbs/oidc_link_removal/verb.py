"""Removes the link of an account to an identity at the OpenID Connect provider."""

from typing import Any

from django.conf import settings
from django.db import transaction

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.oidc.links import link_of
from users.oidc.models import OidcLink
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.sessions.local_sign_in import must_use_provider
from users.verbs.obstacles import DELETED_OBSTACLES, Obstacle, refuse_obstacle
from users.verbs.transaction import (
    bump_version,
    lock_and_check,
    require_reason,
    save_account,
)

EVENT = "account.oidc_unlinked"
NOT_LINKED = Obstacle(
    sentence="This account is not linked to single sign-on.",
    blocks=lambda account: link_of(account) is None,
    in_row=False,
)
OIDC_LINK_REMOVAL_OBSTACLES = (*DELETED_OBSTACLES, NOT_LINKED)


def remove_oidc_link(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Removes the link. All sessions end, because one of them may have begun with it."""
    reason = require_reason(reason)
    with transaction.atomic():
        current = lock_and_check(account, "manage_links", by=by, version=version)
        refuse_obstacle(current, OIDC_LINK_REMOVAL_OBSTACLES)
        current.session_epoch += 1
        delete_provider_link(current, by=by, reason=reason)
        sessions.delete_sessions(current.pk, event=EVENT)
    return current


def remove_own_oidc_link(account: User) -> User:
    """Removes the link of one's own account. Raises VerbRefused if there is no other way to sign
    in.
    """
    with transaction.atomic():
        current = lock_account(account)
        refuse_obstacle(current, OIDC_LINK_REMOVAL_OBSTACLES)
        if must_use_provider(current):
            raise VerbRefused("You can sign in only with this link.", current)
        delete_provider_link(current, by=current)
    return current


def delete_provider_link(account: User, *, by: Any, reason: str = "") -> None:
    """Deletes the link of a locked account to the provider, with the event and the email."""
    links = OidcLink.objects.filter(account_id=account.pk, issuer=settings.OIDC.issuer)
    before = {"issuer": settings.OIDC.issuer, "subject": links.get().subject}
    links.delete()
    bump_version(account)
    save_account(account, update_fields=["session_epoch", "version", "updated_at"])
    record_event(
        EVENT,
        actor=by,
        target=account,
        before=before,
        reason=reason,
    )
    outbox.post_message(Message.Kind.OIDC_UNLINKED, account)
