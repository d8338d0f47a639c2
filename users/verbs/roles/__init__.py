"""Change all roles and the access level of an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.obstacles import DELETED_OBSTACLES
from users.verbs.roles.page import roles_page
from users.verbs.roles.verb import assign_roles

ASSIGN_ROLES = Verb(
    name="assign_roles",
    path="roles/",
    action="assign_roles",
    permission="assign_roles",
    permission_label="Can change back-office access and roles",
    roles=("Administrator",),
    sudo=True,
    obstacles=DELETED_OBSTACLES,
    event="account.roles_assigned",
    event_label="Changed roles",
    label="Change roles",
    icon="roles",
    offered_in=NOT_DELETED_STATES,
    menu="Access",
    change=assign_roles,
    view=roles_page,
)
