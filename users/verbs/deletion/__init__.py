"""Move an account to the recycle bin."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.deletion.bulk import Delete
from users.verbs.deletion.page import DELETION_TEXTS, DeletionForm
from users.verbs.deletion.verb import DELETION_OBSTACLES, delete_account

DELETE = Verb(
    name="delete",
    path="deletion/",
    action="delete",
    permission="delete_user",
    permission_label="Can delete accounts",
    roles=("Manager", "Administrator"),
    obstacles=DELETION_OBSTACLES,
    event="account.deleted",
    event_label="Deleted",
    label="Delete",
    icon="delete",
    offered_in=NOT_DELETED_STATES,
    in_last_section=True,
    change=delete_account,
    form=DeletionForm,
    done="{name} moved to the recycle bin. All sessions ended.",
    texts=DELETION_TEXTS,
    dangerous=True,
    impact=True,
    bulk=Delete,
)
