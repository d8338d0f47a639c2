"""Reset the second factor of an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.second_factor_reset.page import SECOND_FACTOR_RESET_TEXTS
from users.verbs.second_factor_reset.verb import SECOND_FACTOR_OBSTACLES, reset_second_factor
from users.web.forms import ReasonForm

RESET_SECOND_FACTOR = Verb(
    name="reset_second_factor",
    path="second-factor/reset/",
    action="reset_second_factor",
    permission="reset_second_factor",
    permission_label="Can reset second factors",
    roles=("Administrator",),
    sudo=True,
    obstacles=SECOND_FACTOR_OBSTACLES,
    event="account.second_factor_reset",
    event_label="Reset the second factor",
    more_events={
        "account.second_factor_added": "Added a second factor",
        "account.second_factor_removed": "Removed a second factor",
        "account.recovery_codes_made": "Made new recovery codes",
    },
    label="Reset second factor",
    icon="key",
    offered_in=NOT_DELETED_STATES,
    menu="Sign-in",
    change=reset_second_factor,
    form=ReasonForm,
    done="Second factor of {name} reset. All sessions ended.",
    texts=SECOND_FACTOR_RESET_TEXTS,
    dangerous=True,
)
