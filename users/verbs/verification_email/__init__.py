"""Send an email with a link that confirms the address."""

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.forms import ConfirmForm
from users.verbs.verification_email.bulk import SendVerification
from users.verbs.verification_email.page import VERIFICATION_EMAIL_TEXTS
from users.verbs.verification_email.verb import VERIFICATION_EMAIL_OBSTACLES, send_verification

SEND_VERIFICATION = Verb(
    name="send_verification",
    path="verification/mail/",
    action="verify_email",
    obstacles=VERIFICATION_EMAIL_OBSTACLES,
    event="account.verification_sent",
    event_label="Sent a verification email",
    label="Send verification email",
    icon="mail",
    offered_in=(State.ACTIVE,),
    menu="Address",
    change=send_verification,
    form=ConfirmForm,
    done="Email to {email} queued.",
    texts=VERIFICATION_EMAIL_TEXTS,
    bulk=SendVerification,
)
