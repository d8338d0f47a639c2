"""Clear the end date of an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.end_date_removal.bulk import ClearEndDate
from users.verbs.end_date_removal.page import END_DATE_REMOVAL_TEXTS
from users.verbs.end_date_removal.verb import END_DATE_REMOVAL_OBSTACLES, clear_end_date
from users.web.forms import OptionalReasonForm

CLEAR_END_DATE = Verb(
    name="clear_end_date",
    path="end-date/end/",
    action="set_end_date",
    obstacles=END_DATE_REMOVAL_OBSTACLES,
    event="account.end_date_cleared",
    event_label="Cleared the end date",
    label="Clear end date",
    icon="calendar",
    offered_in=NOT_DELETED_STATES,
    condition=lambda account: account.valid_until is not None,
    menu="Access",
    change=clear_end_date,
    form=OptionalReasonForm,
    done="End date cleared.",
    texts=END_DATE_REMOVAL_TEXTS,
    bulk=ClearEndDate,
)
