"""Send an email with a link to choose a password."""

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.forms import ConfirmForm
from users.verbs.password_reset.bulk import SendPasswordReset
from users.verbs.password_reset.page import PASSWORD_RESET_TEXTS
from users.verbs.password_reset.verb import PASSWORD_RESET_OBSTACLES, send_password_reset

SEND_PASSWORD_RESET = Verb(
    name="send_password_reset",
    path="password-reset/",
    action="reset_password",
    permission="reset_password",
    permission_label="Can send password resets",
    roles=("Support", "Manager", "Administrator"),
    obstacles=PASSWORD_RESET_OBSTACLES,
    event="account.password_reset_sent",
    event_label="Sent a password reset",
    more_events={
        "account.password_changed": "Changed password",
        "account.password_reset_asked": "Requested a password reset",
    },
    label="Send password reset",
    icon="mail",
    offered_in=(State.ACTIVE,),
    menu="Sign-in",
    change=send_password_reset,
    form=ConfirmForm,
    done="Email to {email} queued.",
    texts=PASSWORD_RESET_TEXTS,
    bulk=SendPasswordReset,
)
