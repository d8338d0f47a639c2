"""Set the date on which an account expires."""

from users.account_state import NOT_DELETED_STATES
from users.models import State
from users.verbs.declaration import Verb, VerbLink
from users.verbs.end_date.bulk import SetEndDate
from users.verbs.end_date.page import END_DATE_TEXTS, EndDateForm
from users.verbs.end_date.verb import END_DATE_OBSTACLES, set_end_date

SET_END_DATE = Verb(
    name="set_end_date",
    path="end-date/",
    action="set_end_date",
    permission="set_end_date",
    permission_label="Can set and clear end dates",
    roles=("Manager", "Administrator"),
    obstacles=END_DATE_OBSTACLES,
    event="account.end_date_set",
    event_label="Set the end date",
    label="Set end date",
    icon="calendar",
    offered_in=NOT_DELETED_STATES,
    condition=lambda account: account.valid_until is None,
    menu="Access",
    more_links=(
        VerbLink(
            label="Change end date",
            offered_in=(State.INVITED, State.ACTIVE, State.SUSPENDED),
            condition=lambda account: account.valid_until is not None,
            menu="Access",
        ),
        VerbLink(
            label="Change end date",
            offered_in=(State.ENDED,),
            button_style="primary",
        ),
    ),
    change=set_end_date,
    form=EndDateForm,
    done="End date set to {until}.",
    texts=END_DATE_TEXTS,
    bulk=SetEndDate,
)
