"""Require a new password at the next sign-in."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.password_change.bulk import RequirePasswordChange
from users.verbs.password_change.page import PASSWORD_CHANGE_TEXTS
from users.verbs.password_change.verb import PASSWORD_CHANGE_OBSTACLES, require_password_change
from users.web.forms import OptionalReasonForm

REQUIRE_PASSWORD_CHANGE = Verb(
    name="require_password_change",
    path="password-change/",
    action="require_password_change",
    permission="require_password_change",
    permission_label="Can require a password change",
    roles=("Support", "Manager", "Administrator"),
    obstacles=PASSWORD_CHANGE_OBSTACLES,
    event="account.password_change_required",
    event_label="Required a password change",
    label="Require password change",
    icon="key",
    offered_in=NOT_DELETED_STATES,
    menu="Sign-in",
    change=require_password_change,
    form=OptionalReasonForm,
    done="{name} must change the password at the next sign-in.",
    texts=PASSWORD_CHANGE_TEXTS,
    bulk=RequirePasswordChange,
)
