"""Reinstate a suspended account."""

from users.account_state import NOT_DELETED_STATES
from users.models import State
from users.verbs.declaration import Verb
from users.verbs.reinstatement.bulk import Reinstate
from users.verbs.reinstatement.page import REINSTATEMENT_TEXTS, ReinstatementForm
from users.verbs.reinstatement.verb import REINSTATEMENT_OBSTACLES, reinstate_account

REINSTATE = Verb(
    name="reinstate",
    path="suspension/end/",
    action="reinstate",
    permission="reinstate_user",
    permission_label="Can reinstate accounts",
    roles=("Support", "Manager", "Administrator"),
    obstacles=REINSTATEMENT_OBSTACLES,
    event="account.reinstated",
    event_label="Reinstated",
    label="Reinstate",
    icon="reinstate",
    offered_in=NOT_DELETED_STATES,
    condition=lambda account: account.status == State.SUSPENDED,
    button_style="primary",
    change=reinstate_account,
    form=ReinstatementForm,
    done="{name} reinstated. Status: {state}.",
    texts=REINSTATEMENT_TEXTS,
    shows_status=True,
    bulk=Reinstate,
)
