"""Remove roles from an account."""

from users.account_state import NOT_DELETED_STATES
from users.verbs.declaration import Verb
from users.verbs.role_removal.bulk import RemoveRoles
from users.verbs.role_removal.page import ROLE_REMOVAL_TEXTS, RemoveRolesForm
from users.verbs.role_removal.verb import ROLE_REMOVAL_OBSTACLES, remove_roles

REMOVE_ROLES = Verb(
    name="remove_from_groups",
    path="groups/end/",
    action="change_groups",
    sudo=True,
    obstacles=ROLE_REMOVAL_OBSTACLES,
    event="account.groups_removed",
    event_label="Removed roles",
    label="Remove roles",
    icon="close",
    offered_in=NOT_DELETED_STATES,
    menu="Access",
    change=remove_roles,
    form=RemoveRolesForm,
    done="Removed {name} from {roles}.",
    texts=ROLE_REMOVAL_TEXTS,
    bulk=RemoveRoles,
)
