"""Erase all personal data of an account."""

from users.account_state import NOT_DELETED_STATES
from users.models import State
from users.verbs.declaration import Verb
from users.verbs.erasure.bulk import Erase
from users.verbs.erasure.page import ERASURE_TEXTS, ErasureForm
from users.verbs.erasure.verb import ERASURE_OBSTACLES, erase_account

ERASE = Verb(
    name="erase",
    path="erasure/",
    action="erase",
    permission="erase_user",
    permission_label="Can erase accounts permanently",
    permission_model="reservation",
    roles=("Administrator",),
    sudo=True,
    obstacles=ERASURE_OBSTACLES,
    event="account.erased",
    event_label="Erased",
    label="Erase permanently",
    icon="delete",
    offered_in=(*NOT_DELETED_STATES, State.DELETED),
    in_last_section=True,
    change=erase_account,
    form=ErasureForm,
    done="Account erased. Only the ID and audit trail remain.",
    texts=ERASURE_TEXTS,
    dangerous=True,
    impact=True,
    template="users/verbs/erasure.html",
    bulk=Erase,
)
