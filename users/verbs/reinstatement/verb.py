""""""

from typing import Any

from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import change_account, clean_reason


def reinstate_account(
    account: User, *, by: Any, reason: str = "", tell: bool = False, version: int | None = None
) -> User:
    """Ends a suspension. An account that never had a password is invited again rather than active.

    `tell`: a mail to the person; where they never had a password, it is their invitation.
    """
    reason = clean_reason(reason)
    with change_account(
        account, "reinstate", "account.reinstated", by=by, version=version, reason=reason
    ) as current:
        if current.status != State.SUSPENDED:
            raise VerbRefused(
                f"This account is {current.state.label.lower()}, not suspended.", current
            )
        current.status = (
            State.ACTIVE if current.has_usable_password() or current.last_login else State.INVITED
        )
        current.status_reason = ""
        current.suspended_until = None
        if tell:
            outbox.post_message(
                Message.Kind.INVITATION
                if current.status == State.INVITED
                else Message.Kind.REINSTATED,
                current,
            )
    return current
