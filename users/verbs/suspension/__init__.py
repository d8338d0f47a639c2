"""Suspend an account."""

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.suspension.bulk import Suspend
from users.verbs.suspension.page import SUSPENSION_TEXTS, SuspensionForm
from users.verbs.suspension.verb import SUSPENSION_OBSTACLES, suspend_account

SUSPEND = Verb(
    name="suspend",
    path="suspension/",
    action="suspend",
    permission="suspend_user",
    permission_label="Can suspend accounts",
    roles=("Support", "Manager", "Administrator"),
    obstacles=SUSPENSION_OBSTACLES,
    event="account.suspended",
    event_label="Suspended",
    label="Suspend",
    icon="suspend",
    offered_in=(State.INVITED, State.ACTIVE, State.ENDED),
    button_style="plain",
    key="s",
    change=suspend_account,
    form=SuspensionForm,
    done="{name} suspended. All sessions ended.",
    texts=SUSPENSION_TEXTS,
    dangerous=True,
    impact=True,
    bulk=Suspend,
)
