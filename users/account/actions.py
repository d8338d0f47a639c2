"""What can be done with an account, as its page offers it: by its state, and by what the viewer
may.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from users.models import State, User

LIVING = (State.INVITED, State.ACTIVE, State.SUSPENDED, State.ENDED)
OPEN = (State.INVITED, State.ACTIVE, State.ENDED)
HERE = (State.INVITED, State.ACTIVE, State.SUSPENDED)


@dataclass(frozen=True)
class Offer:
    """A link to the page that asks for a verb. `states`: in which it makes sense; `when`: what else
    must be true.
    """

    label: str
    path: str
    action: str
    icon: str
    states: tuple[State, ...] = LIVING
    when: Callable[[User], object] = lambda account: True
    style: str = ""
    key: str = ""

    def fits(self, account: User, may: Mapping[str, bool]) -> bool:
        return (
            bool(may.get(self.action)) and account.state in self.states and bool(self.when(account))
        )


@dataclass(frozen=True)
class Offers:
    """Buttons; sections of the menu, by their headings; and what is hard to take back, apart from
    both.
    """

    buttons: list[Offer]
    menu: dict[str, list[Offer]] = field(default_factory=dict)
    dangerous: list[Offer] = field(default_factory=list)


BUTTONS = (
    Offer("Edit", "edit/", "edit", "edit", key="e"),
    Offer(
        "Reinstate",
        "suspension/end/",
        "reinstate",
        "reinstate",
        LIVING,
        lambda account: account.status == State.SUSPENDED,
        style="primary",
    ),
    Offer("Restore", "deletion/end/", "restore", "reinstate", (State.DELETED,), style="primary"),
    Offer(
        "Change end date",
        "end-date/",
        "set_end_date",
        "calendar",
        (State.ENDED,),
        style="primary",
    ),
    Offer(
        "Invite again",
        "invitation/",
        "invite",
        "mail",
        (State.INVITED,),
        lambda account: account.email,
        style="primary",
    ),
    Offer("Suspend", "suspension/", "suspend", "suspend", OPEN, style="danger"),
)
MENU = {
    "Sign-in": (
        Offer(
            "Send password reset",
            "password-reset/",
            "reset_password",
            "mail",
            (State.ACTIVE,),
            lambda account: account.email,
        ),
        Offer(
            "Require password change",
            "password-change/",
            "require_password_change",
            "key",
            LIVING,
            lambda account: account.has_usable_password() and not account.must_change_password,
        ),
        Offer(
            "Reset second factor",
            "second-factor/reset/",
            "reset_second_factor",
            "key",
            LIVING,
            lambda account: account.has_second_factor,
        ),
        Offer("End all sessions", "sessions/end/", "end_sessions", "leave", (State.ACTIVE,)),
    ),
    "Address": (
        Offer(
            "Send email",
            "letter/",
            "write",
            "edit",
            LIVING,
            lambda account: account.email and account.email_verified_at,
        ),
        Offer(
            "Send verification email",
            "verification/mail/",
            "verify_email",
            "mail",
            (State.ACTIVE,),
            lambda account: account.email and not account.email_verified_at,
        ),
        Offer(
            "Verify address",
            "verification/",
            "verify_email",
            "check",
            LIVING,
            lambda account: account.email and not account.email_verified_at,
        ),
    ),
    "Access": (
        Offer("Change roles", "roles/", "assign_roles", "roles"),
        Offer("Add roles", "groups/", "change_groups", "plus"),
        Offer("Remove roles", "groups/end/", "change_groups", "close"),
        Offer(
            "Set end date",
            "end-date/",
            "set_end_date",
            "calendar",
            LIVING,
            lambda account: not account.valid_until,
        ),
        Offer(
            "Change end date",
            "end-date/",
            "set_end_date",
            "calendar",
            HERE,
            lambda account: account.valid_until,
        ),
        Offer(
            "Clear end date",
            "end-date/end/",
            "set_end_date",
            "calendar",
            LIVING,
            lambda account: account.valid_until,
        ),
    ),
}
DANGEROUS = (
    Offer("Delete", "deletion/", "delete", "delete", style="danger"),
    Offer(
        "Erase permanently", "erasure/", "erase", "delete", (*LIVING, State.DELETED), style="danger"
    ),
)


def offers(account: User, may: Mapping[str, bool]) -> Offers:
    """`may`: by action of users.access, whether the viewer may take it on this account."""

    def fitting(some: tuple[Offer, ...]) -> list[Offer]:
        return [offer for offer in some if offer.fits(account, may)]

    sections = {heading: fitting(some) for heading, some in MENU.items()}
    return Offers(
        fitting(BUTTONS),
        {heading: some for heading, some in sections.items() if some},
        fitting(DANGEROUS),
    )
