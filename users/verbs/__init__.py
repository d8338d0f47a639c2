"""Every change of an account. One verb: lock, gate, version check, change, audit event, mail, in
one transaction.

Each takes `by` (an account or a users.access.Command) and returns the account as it is now. Each
raises access.Denied (not allowed), Stale (changed since `version`), Refused (its state does not
allow it) or ValidationError. `version=None` skips the version check: for callers that act on the
state and not on what somebody saw.
"""

from users.notes.changes import add_note, edit_note, pin_note
from users.verbs.deletion import delete, restore
from users.verbs.email import confirm_email, send_verification, verify_email
from users.verbs.end_date import clear_end_date, set_end_date
from users.verbs.erasure import erase
from users.verbs.groups import add_to_groups, remove_from_groups
from users.verbs.invitation import invite, invite_again
from users.verbs.letter import write
from users.verbs.password import (
    ask_password_reset,
    choose_password,
    require_password_change,
    send_password_reset,
)
from users.verbs.profile import edit, edit_own_profile, put_back
from users.verbs.reveal import reveal
from users.verbs.roles import assign_roles
from users.verbs.second_factor import reset_second_factor
from users.verbs.sessions import (
    end_lockout,
    end_own_session,
    end_own_sessions,
    end_session,
    end_sessions,
)
from users.verbs.suspension import reinstate, suspend

__all__ = [
    "add_note",
    "add_to_groups",
    "ask_password_reset",
    "assign_roles",
    "choose_password",
    "clear_end_date",
    "confirm_email",
    "delete",
    "edit",
    "edit_note",
    "edit_own_profile",
    "end_lockout",
    "end_own_session",
    "end_own_sessions",
    "end_session",
    "end_sessions",
    "erase",
    "invite",
    "invite_again",
    "pin_note",
    "put_back",
    "reinstate",
    "remove_from_groups",
    "require_password_change",
    "reset_second_factor",
    "restore",
    "reveal",
    "send_password_reset",
    "send_verification",
    "set_end_date",
    "suspend",
    "verify_email",
    "write",
]
