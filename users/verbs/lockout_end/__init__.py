"""Unlock an account after too many failed attempts to sign in."""

from users.verbs.declaration import Verb
from users.verbs.lockout_end.page import end_lockout_page
from users.verbs.lockout_end.verb import LOCKOUT_END_OBSTACLES, end_lockout

END_LOCKOUT = Verb(
    name="end_lockout",
    path="lockout/end/",
    action="end_lockout",
    permission="end_lockout",
    permission_label="Can unlock accounts",
    permission_model="signinevent",
    roles=("Support", "Manager", "Administrator"),
    on_own_account=True,
    obstacles=LOCKOUT_END_OBSTACLES,
    event="account.lockout_ended",
    event_label="Unlocked the account",
    label="Unlock account",
    icon="reinstate",
    change=end_lockout,
    view=end_lockout_page,
)
