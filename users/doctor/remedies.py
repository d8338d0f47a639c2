"""The verbs that remove a cause of failed sign-ins."""

from dataclasses import dataclass

from users.models import State, User
from users.verbs import (
    end_date,
    invitation,
    lockout_end,
    password_reset,
    profile,
    reinstatement,
    restoration,
    second_factor_reset,
    verification_email,
)
from users.verbs.declaration import Verb


@dataclass(frozen=True)
class Remedy:
    """A link to a verb."""

    verb: Verb
    # The text of the link, if it is not the label of the verb.
    link_label: str = ""
    # Whether the verb works only for active accounts.
    needs_active: bool = False
    # Whether the verb works only for accounts with an email address.
    needs_address: bool = False

    @property
    def label(self) -> str:
        return self.link_label or self.verb.label

    @property
    def action(self) -> str:
        return self.verb.action

    @property
    def path(self) -> str:
        return self.verb.path

    def fits(self, account: User) -> bool:
        """Whether the verb would do anything now. Deleted accounts can only be restored."""
        if account.status in (State.DELETED, State.ERASED):
            return self == RESTORE
        if self.needs_active and not account.is_active:
            return False
        return bool(account.email) or not self.needs_address


REINSTATE = Remedy(reinstatement.REINSTATE)
CHANGE_END_DATE = Remedy(end_date.SET_END_DATE, "Change end date")
RESTORE = Remedy(restoration.RESTORE)
INVITE_AGAIN = Remedy(invitation.INVITE_AGAIN, needs_address=True)
CORRECT_ADDRESS = Remedy(profile.EDIT, "Correct address")
SEND_VERIFICATION = Remedy(
    verification_email.SEND_VERIFICATION,
    needs_active=True,
    needs_address=True,
)
SEND_PASSWORD_RESET = Remedy(
    password_reset.SEND_PASSWORD_RESET,
    needs_active=True,
    needs_address=True,
)
UNLOCK = Remedy(lockout_end.END_LOCKOUT)
RESET_SECOND_FACTOR = Remedy(second_factor_reset.RESET_SECOND_FACTOR)
