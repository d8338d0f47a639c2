"""Restore an account from the recycle bin."""

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.restoration.bulk import Restore
from users.verbs.restoration.page import RESTORATION_TEXTS
from users.verbs.restoration.verb import RESTORATION_OBSTACLES, restore_account
from users.web.forms import OptionalReasonForm

RESTORE = Verb(
    name="restore",
    path="deletion/end/",
    action="restore",
    permission="restore_user",
    permission_label="Can restore deleted accounts",
    roles=("Manager", "Administrator"),
    obstacles=RESTORATION_OBSTACLES,
    event="account.restored",
    event_label="Restored",
    label="Restore",
    icon="reinstate",
    offered_in=(State.DELETED,),
    button_style="primary",
    change=restore_account,
    form=OptionalReasonForm,
    done="{name} restored. Status: {state}.",
    texts=RESTORATION_TEXTS,
    shows_status=True,
    bulk=Restore,
)
