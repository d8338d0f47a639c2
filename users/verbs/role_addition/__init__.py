"""Add roles to an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.obstacles import DELETED_OBSTACLES
from users.verbs.role_addition.bulk import AddRoles
from users.verbs.role_addition.page import ROLE_ADDITION_TEXTS, AddRolesForm
from users.verbs.role_addition.verb import add_roles

ADD_ROLES = Verb(
    name="add_to_groups",
    path="groups/",
    action="change_groups",
    permission="change_groups",
    permission_label="Can add and remove roles",
    roles=("Manager", "Administrator"),
    sudo=True,
    obstacles=DELETED_OBSTACLES,
    event="account.groups_added",
    event_label="Added roles",
    label="Add roles",
    icon="plus",
    offered_in=NOT_DELETED_STATES,
    menu="Access",
    change=add_roles,
    form=AddRolesForm,
    done="Added {name} to {roles}.{effect}",
    texts=ROLE_ADDITION_TEXTS,
    bulk=AddRoles,
)
