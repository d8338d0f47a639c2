"""The list of all verbs, and their registration with access, the audit trail and bulk actions."""

from users import access, access_setup
from users.audit.actions import register_label
from users.bulk.registry import register_action
from users.sudo.recent import declare_sudo
from users.verbs.declaration import Verb
from users.verbs.deletion import DELETE
from users.verbs.end_date import SET_END_DATE
from users.verbs.end_date_removal import CLEAR_END_DATE
from users.verbs.erasure import ERASE
from users.verbs.invitation import INVITE_AGAIN
from users.verbs.letter import WRITE_LETTER
from users.verbs.lockout_end import END_LOCKOUT
from users.verbs.password_change import REQUIRE_PASSWORD_CHANGE
from users.verbs.password_reset import SEND_PASSWORD_RESET
from users.verbs.profile import EDIT
from users.verbs.reinstatement import REINSTATE
from users.verbs.restoration import RESTORE
from users.verbs.reveal import REVEAL
from users.verbs.role_addition import ADD_ROLES
from users.verbs.role_removal import REMOVE_ROLES
from users.verbs.roles import ASSIGN_ROLES
from users.verbs.second_factor_reset import RESET_SECOND_FACTOR
from users.verbs.session_end import END_SESSIONS
from users.verbs.suspension import SUSPEND
from users.verbs.verification import VERIFY_EMAIL
from users.verbs.verification_email import SEND_VERIFICATION

# In the order of their links on the account's page.
VERBS: tuple[Verb, ...] = (
    EDIT,
    REINSTATE,
    RESTORE,
    SEND_PASSWORD_RESET,
    REQUIRE_PASSWORD_CHANGE,
    RESET_SECOND_FACTOR,
    END_SESSIONS,
    WRITE_LETTER,
    SEND_VERIFICATION,
    VERIFY_EMAIL,
    ASSIGN_ROLES,
    ADD_ROLES,
    REMOVE_ROLES,
    SET_END_DATE,
    CLEAR_END_DATE,
    INVITE_AGAIN,
    SUSPEND,
    DELETE,
    ERASE,
    REVEAL,
    END_LOCKOUT,
)


def register_verbs() -> None:
    """Registers permissions, event labels and bulk actions of all verbs in this process."""
    for verb in VERBS:
        register_permission(verb)
        register_label(verb.event, verb.event_label)
        for event, label in verb.more_events.items():
            register_label(event, label)
        if verb.sudo:
            declare_sudo(verb.action)
        if verb.bulk:
            register_action(verb.bulk())


def register_permission(verb: Verb) -> None:
    if not verb.permission:
        return
    access.declare_action(
        verb.action,
        f"users.{verb.permission}",
        on_own_account=verb.on_own_account,
        read_only=verb.read_only,
    )
    access_setup.declare_permission(
        verb.permission,
        label=verb.permission_label,
        model=verb.permission_model,
        roles=verb.roles,
    )
