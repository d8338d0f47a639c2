"""Send an email to a person."""

from django.urls import path

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.letter.bulk import WriteLetter
from users.verbs.letter.page import LetterForm, letter_sample
from users.verbs.letter.verb import LETTER_OBSTACLES, send_letter

WRITE_LETTER = Verb(
    name="write",
    path="letter/",
    action="write",
    permission="write_mail",
    permission_label="Can send emails to people",
    permission_model="letter",
    roles=("Support", "Manager", "Administrator"),
    on_own_account=True,
    obstacles=LETTER_OBSTACLES,
    event="account.written_to",
    event_label="Sent an email",
    label="Send email",
    icon="edit",
    offered_in=NOT_DELETED_STATES,
    menu="Address",
    change=send_letter,
    form=LetterForm,
    done="Email to {email} queued.",
    template="users/verbs/letter.html",
    more_urls=(path("<int:pk>/letter/sample/", letter_sample, name="account-letter-sample"),),
    bulk=WriteLetter,
)
