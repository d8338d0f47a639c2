"""The verbs that remove a cause of failed sign-ins."""

from dataclasses import dataclass

from users.models import User
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
from users.verbs.obstacles import find_obstacle


@dataclass(frozen=True)
class Remedy:
    """A link to a verb."""

    verb: Verb
    # The text of the link, if it is not the label of the verb.
    link_label: str = ""

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
        """Returns whether the verb would do anything now."""
        return find_obstacle(account, self.verb.obstacles, in_row=True) is None


REINSTATE = Remedy(reinstatement.REINSTATE)
CHANGE_END_DATE = Remedy(end_date.SET_END_DATE, "Change end date")
RESTORE = Remedy(restoration.RESTORE)
INVITE_AGAIN = Remedy(invitation.INVITE_AGAIN)
CORRECT_ADDRESS = Remedy(profile.EDIT, "Correct address")
SEND_VERIFICATION = Remedy(verification_email.SEND_VERIFICATION)
SEND_PASSWORD_RESET = Remedy(password_reset.SEND_PASSWORD_RESET)
UNLOCK = Remedy(lockout_end.END_LOCKOUT)
RESET_SECOND_FACTOR = Remedy(second_factor_reset.RESET_SECOND_FACTOR)
