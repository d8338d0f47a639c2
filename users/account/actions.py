"""What can be done with an account, as its page offers it: by its state, and by what the viewer
may.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from users.models import State, User

LIVING_STATES = (State.INVITED, State.ACTIVE, State.SUSPENDED, State.ENDED)
SUSPENDABLE_STATES = (State.INVITED, State.ACTIVE, State.ENDED)
UNENDED_STATES = (State.INVITED, State.ACTIVE, State.SUSPENDED)


@dataclass(frozen=True)
class AccountAction:
    """A link to the page that asks for a verb. `states`: in which it makes sense; `when`: what else
    must be true.
    """

    label: str
    path: str
    action: str
    icon: str
    states: tuple[State, ...] = LIVING_STATES
    when: Callable[[User], object] = lambda account: True
    style: str = ""
    key: str = ""

    def fits(self, account: User, may: Mapping[str, bool]) -> bool:
        return (
            bool(may.get(self.action)) and account.state in self.states and bool(self.when(account))
        )


@dataclass(frozen=True)
class AccountActions:
    """Buttons; sections of the menu, by their headings; and what is hard to take back, apart from
    both.
    """

    buttons: list[AccountAction]
    menu: dict[str, list[AccountAction]] = field(default_factory=dict)
    dangerous: list[AccountAction] = field(default_factory=list)


BUTTONS = (
    AccountAction("Edit", "edit/", "edit", "edit", key="e"),
    AccountAction(
        "Reinstate",
        "suspension/end/",
        "reinstate",
        "reinstate",
        LIVING_STATES,
        lambda account: account.status == State.SUSPENDED,
        style="primary",
    ),
    AccountAction(
        "Restore", "deletion/end/", "restore", "reinstate", (State.DELETED,), style="primary"
    ),
    AccountAction(
        "Change end date",
        "end-date/",
        "set_end_date",
        "calendar",
        (State.ENDED,),
        style="primary",
    ),
    AccountAction(
        "Invite again",
        "invitation/",
        "invite",
        "mail",
        (State.INVITED,),
        lambda account: account.email,
        style="primary",
    ),
    AccountAction(
        "Suspend", "suspension/", "suspend", "suspend", SUSPENDABLE_STATES, style="danger"
    ),
)
MENU = {
    "Sign-in": (
        AccountAction(
            "Send password reset",
            "password-reset/",
            "reset_password",
            "mail",
            (State.ACTIVE,),
            lambda account: account.email,
        ),
        AccountAction(
            "Require password change",
            "password-change/",
            "require_password_change",
            "key",
            LIVING_STATES,
            lambda account: account.has_usable_password() and not account.must_change_password,
        ),
        AccountAction(
            "Reset second factor",
            "second-factor/reset/",
            "reset_second_factor",
            "key",
            LIVING_STATES,
            lambda account: account.has_second_factor,
        ),
        AccountAction(
            "End all sessions", "sessions/end/", "end_sessions", "leave", (State.ACTIVE,)
        ),
    ),
    "Address": (
        AccountAction(
            "Send email",
            "letter/",
            "write",
            "edit",
            LIVING_STATES,
            lambda account: account.email and account.email_verified_at,
        ),
        AccountAction(
            "Send verification email",
            "verification/mail/",
            "verify_email",
            "mail",
            (State.ACTIVE,),
            lambda account: account.email and not account.email_verified_at,
        ),
        AccountAction(
            "Verify address",
            "verification/",
            "verify_email",
            "check",
            LIVING_STATES,
            lambda account: account.email and not account.email_verified_at,
        ),
    ),
    "Access": (
        AccountAction("Change roles", "roles/", "assign_roles", "roles"),
        AccountAction("Add roles", "groups/", "change_groups", "plus"),
        AccountAction("Remove roles", "groups/end/", "change_groups", "close"),
        AccountAction(
            "Set end date",
            "end-date/",
            "set_end_date",
            "calendar",
            LIVING_STATES,
            lambda account: not account.valid_until,
        ),
        AccountAction(
            "Change end date",
            "end-date/",
            "set_end_date",
            "calendar",
            UNENDED_STATES,
            lambda account: account.valid_until,
        ),
        AccountAction(
            "Clear end date",
            "end-date/end/",
            "set_end_date",
            "calendar",
            LIVING_STATES,
            lambda account: account.valid_until,
        ),
    ),
}
DANGEROUS = (
    AccountAction("Delete", "deletion/", "delete", "delete", style="danger"),
    AccountAction(
        "Erase permanently",
        "erasure/",
        "erase",
        "delete",
        (*LIVING_STATES, State.DELETED),
        style="danger",
    ),
)


def available_actions(account: User, may: Mapping[str, bool]) -> AccountActions:
    """`may`: by action of users.access, whether the viewer may take it on this account."""

    def fitting(some: tuple[AccountAction, ...]) -> list[AccountAction]:
        return [offer for offer in some if offer.fits(account, may)]

    sections = {heading: fitting(some) for heading, some in MENU.items()}
    return AccountActions(
        fitting(BUTTONS),
        {heading: some for heading, some in sections.items() if some},
        fitting(DANGEROUS),
    )
