"""Edit the profile of an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.obstacles import DELETED_OBSTACLES
from users.verbs.profile.bulk import SetAttribute
from users.verbs.profile.page import profile_page
from users.verbs.profile.verb import edit_profile

EDIT = Verb(
    name="edit",
    path="edit/",
    action="edit",
    permission="edit_user",
    permission_label="Can edit profiles",
    roles=("Support", "Manager", "Administrator"),
    on_own_account=True,
    obstacles=DELETED_OBSTACLES,
    event="account.edited",
    event_label="Edited",
    more_events={"account.put_back": "Restored a value"},
    label="Edit",
    icon="edit",
    offered_in=NOT_DELETED_STATES,
    key="e",
    change=edit_profile,
    view=profile_page,
    bulk=SetAttribute,
)
