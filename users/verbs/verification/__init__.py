"""Verify the address of an account by hand."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.verification.bulk import VerifyEmail
from users.verbs.verification.page import VERIFICATION_TEXTS, VerificationForm
from users.verbs.verification.verb import VERIFICATION_OBSTACLES, verify_email

VERIFY_EMAIL = Verb(
    name="verify_email",
    path="verification/",
    action="verify_email",
    permission="verify_email",
    permission_label="Can verify email addresses and send verification emails",
    roles=("Support", "Manager", "Administrator"),
    obstacles=VERIFICATION_OBSTACLES,
    event="account.email_verified",
    event_label="Verified the address",
    more_events={"account.email_confirmed": "Confirmed their address"},
    label="Verify address",
    icon="check",
    offered_in=NOT_DELETED_STATES,
    menu="Address",
    change=verify_email,
    form=VerificationForm,
    done="Address of {name} verified.",
    texts=VERIFICATION_TEXTS,
    bulk=VerifyEmail,
)
