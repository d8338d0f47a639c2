"""The access check: which actor may take which action on which account.

Every request, command and job calls it, and a job calls it again when it runs. `require` raises
`Denied`, which becomes a 403 page and an audit event; `may` returns a boolean for the interface.
Rules are small functions that return a refusal, or None.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet

from users.access_setup import ability
from users.database.cached_query import CachedQuery
from users.models import User, UserQuerySet
from users.role_grants import administrator_roles, memberships_in_effect
from users.service_owners import has_active_owner

# The permission that each action of the back office requires. Verbs register theirs from their
# declarations when the application starts.
PERMISSIONS = {
    "view": "users.view_user",
    "view_personal": "users.view_personal",
    "add_note": "users.add_note",
    "edit_note": "users.add_note",
    "pin_note": "users.pin_note",
    "export": "users.export_user",
    "import": "users.import_user",
    "import_passwords": "users.import_passwords",
    "export_hashes": "users.export_hashes",
    "view_exports": "users.view_exports",
    "view_audit": "users.view_auditevent",
    "share_view": "users.share_view",
    "view_status": "users.view_status",
    "view_jobs": "users.view_job",
    "control_jobs": "users.control_job",
    "approve_bulk": "users.approve_bulk",
    "send_campaigns": "users.send_campaigns",
    # The list names accounts, and a look-up takes an address.
    "view_suppressions": "users.view_personal",
    "manage_suppressions": "users.manage_suppressions",
    "view_roles": "users.view_roles",
    "manage_roles": "users.manage_roles",
    "request_role": "users.request_role",
    "approve_role": "users.approve_role",
    "review_access": "users.manage_staff",
    "create_token": "users.create_token",
    "manage_tokens": "users.manage_tokens",
    "manage_services": "users.manage_services",
    "manage_links": "users.manage_staff",
    "view_webhooks": "users.view_webhooks",
    "manage_webhooks": "users.manage_webhooks",
}
MANAGE_STAFF = "users.manage_staff"
REVEAL_WITHOUT_REASON = "users.reveal_without_reason"
# Actions that change nothing: the ranks of actor and target do not matter.
READ_ACTIONS = {
    "view",
    "view_personal",
    "export",
    # What the rows change, they change with permissions of their own.
    "import",
    "view_exports",
    "view_audit",
    "view_status",
    "view_jobs",
    # People get an email; their accounts stay as they are.
    "send_campaigns",
    "view_suppressions",
    "view_roles",
    "request_role",
    "view_webhooks",
}
NOT_ON_OWN_ACCOUNT = {"manage_links"}


def declare_action(
    action: str, permission: str, *, on_own_account: bool, read_only: bool = False
) -> None:
    """Registers an action with the permission that it requires.

    `on_own_account`: people may take it on their own account.
    """
    PERMISSIONS[action] = permission
    if not on_own_account:
        NOT_ON_OWN_ACCOUNT.add(action)
    if read_only:
        READ_ACTIONS.add(action)


@dataclass(frozen=True)
class CommandActor:
    """An actor without an account: a person with a shell on the server, who may do everything."""

    name: str
    pk = None

    def __str__(self) -> str:
        return f"command {self.name}"


Actor = User | CommandActor


class Denied(PermissionDenied):
    """A refused action. `permission` is the missing one, or "" if no permission would help."""

    def __init__(self, action: str, reason: str, permission: str = "", target: User | None = None):
        super().__init__(reason)
        self.action = action
        self.reason = reason
        self.permission = permission
        self.target = target


class Refusal(NamedTuple):
    """The reason of a refusal as a sentence, and the missing permission ("" if none would help).

    The sentence addresses nobody, because colleagues read it in the trail and on pages of jobs.
    """

    reason: str
    permission: str = ""


SUPERUSER_REFUSAL = Refusal("Only a superuser may change a superuser’s account.")
STAFF_REFUSAL = Refusal(
    f"This is a staff account. Only a role that can {ability(MANAGE_STAFF)} may change it.",
    MANAGE_STAFF,
)
NO_EFFECT = "Roles have no effect without staff access."
MORE_PERMISSIONS_REFUSAL = Refusal(
    "Only someone with all permissions of this account may change it."
)
SERVICE_GRANT_REFUSAL = Refusal("A service account can’t be an administrator.")


def require(actor: Any, action: str, target: User | None = None) -> None:
    """Raises Denied unless `actor` may take `action`. `target`: the account, freshly loaded."""
    if refusal := find_refusal(actor, action, target):
        raise Denied(action, refusal.reason, refusal.permission, target)


def may(actor: Any, action: str, target: User | None = None) -> bool:
    return find_refusal(actor, action, target) is None


def permitted_actions(actor: Any, actions: Iterable[str]) -> set[str]:
    """Returns those of `actions` that `actor` may take, if the account does not forbid them."""
    if isinstance(actor, CommandActor):
        return set(actions)
    if not may_enter(actor):
        return set()
    if actor.is_superuser:
        return set(actions)
    return {action for action in actions if holds_permission(actor, action)}


def allowed_actions(actor: Any, target: User) -> set[str]:
    """Returns every action that `actor` may take on `target`, for a page that offers them.

    It runs as many queries as the check of one action.
    """
    if isinstance(actor, CommandActor):
        return set(PERMISSIONS)
    held = permitted_actions(actor, PERMISSIONS)
    if held <= READ_ACTIONS or rank_refusal(actor, target):
        return held & READ_ACTIONS
    if actor.pk != target.pk:
        return held
    return held - (NOT_ON_OWN_ACCOUNT - READ_ACTIONS)


def find_refusal(actor: Any, action: str, target: User | None = None) -> Refusal | None:
    """Returns why `actor` may not take `action`, or None if they may."""
    if isinstance(actor, CommandActor):
        return None
    if not may_enter(actor):
        return Refusal("Only active staff may use the back office.")
    if permission := missing_permission(actor, action):
        return Refusal(permission_reason(permission), permission)
    if target is None or action in READ_ACTIONS:
        return None
    return own_account_refusal(actor, action, target) or rank_refusal(actor, target)


def permission_reason(permission: str) -> str:
    """Returns what a refused person lacks, as a sentence that addresses nobody."""
    return f"Only a role that can {ability(permission)} may do this."


def explain_denial(actor: Any, denied: Denied, *, name: str = "") -> list[str]:
    """Returns the sentences that tell the refused person, or with `name` somebody else, why."""
    if actor is None or not denied.permission:
        return [denied.reason]
    sentence = role_sentence(actor, denied.permission, name=name)
    if denied.reason == permission_reason(denied.permission):
        return [sentence]
    return [denied.reason, sentence]


def role_sentence(actor: Any, permission: str, *, name: str = "") -> str:
    """Returns which roles of `actor` lack the permission, and whom to ask: "Your role (Support)
    can’t erase accounts. Ask an administrator." With `name` it is about a third person.
    """
    roles = list(actor.groups.order_by("name").values_list("name", flat=True))
    can = ability(permission)
    if not roles:
        has = f"{name} has" if name else "You have"
        return f"{has} no role that can {can}. Ask an administrator."
    whose = f"{name}’s" if name else "Your"
    plural = "s" if len(roles) > 1 else ""
    return f"{whose} role{plural} ({', '.join(roles)}) can’t {can}. Ask an administrator."


def may_enter(actor: Any) -> bool:
    if not (actor.is_authenticated and actor.is_active and actor.is_staff):
        return False
    return has_active_owner(actor)


def holds_permission(actor: Any, action: str) -> bool:
    return isinstance(actor, CommandActor) or not missing_permission(actor, action)


def missing_permission(actor: User, action: str) -> str:
    """Returns the first permission for the action that the actor lacks, or "".

    Editing and importing require two, because nobody may change values that are masked for them.
    """
    permission = PERMISSIONS[action]
    if not actor.has_perm(permission):
        return permission
    if action in ("edit", "import") and not actor.has_perm(PERMISSIONS["view_personal"]):
        return PERMISSIONS["view_personal"]
    return ""


def own_account_refusal(actor: User, action: str, target: User) -> Refusal | None:
    if actor.pk == target.pk and action in NOT_ON_OWN_ACCOUNT:
        return Refusal("Nobody may do this to their own account. Ask a colleague.")
    return None


def rank_refusal(actor: User, target: User) -> Refusal | None:
    """Returns why `actor` may not change `target`, which outranks them or is staff; else None."""
    if actor.is_superuser or actor.pk == target.pk:
        return None
    if target.is_superuser:
        return SUPERUSER_REFUSAL
    if target.is_staff and not actor.has_perm(MANAGE_STAFF):
        return STAFF_REFUSAL
    # Not get_all_permissions of the target: it is empty for a suspended account, which regains its
    # permissions when it is reinstated. Former colleagues count too: somebody with access to their
    # mailbox could take over the account and wait for its reinstatement.
    if stored_permissions(target) - actor.get_all_permissions():
        return MORE_PERMISSIONS_REFUSAL
    return None


def find_refusals(actor: Any, action: str, accounts: UserQuerySet) -> dict[int, Refusal]:
    """Returns the refusals among `accounts`, by ID, in a constant number of queries.

    `accounts` may be the whole directory: each query starts from accounts that are staff or have
    permissions, which are few.
    """
    if refusal := find_refusal(actor, action):
        return dict.fromkeys(accounts.values_list("pk", flat=True), refusal)
    if isinstance(actor, CommandActor) or action in READ_ACTIONS:
        return {}
    found = {} if actor.is_superuser else rank_refusals(actor, accounts.exclude(pk=actor.pk))
    refusal = own_account_refusal(actor, action, actor)
    if refusal and accounts.filter(pk=actor.pk).exists():
        found[actor.pk] = refusal
    return found


def rank_refusals(actor: User, accounts: UserQuerySet) -> dict[int, Refusal]:
    """Returns what `rank_refusal` returns for each of the accounts, by ID, where it is not None.

    `actor` must not be a superuser, and not one of the accounts.
    """
    held = actor.get_all_permissions()
    missing = [pk for pk, name in named_permissions() if name not in held]
    groups = Group.permissions.through.objects.filter(permission_id__in=missing).values("group_id")
    by_group: Any = memberships_in_effect().filter(group_id__in=groups).values("user_id")
    own: Any = User.user_permissions.through.objects.filter(permission_id__in=missing)
    found: dict[int, Refusal] = {}
    for holders in (by_group, own.values("user_id")):
        outranking = accounts.filter(pk__in=holders).values_list("pk", flat=True)
        found |= dict.fromkeys(outranking, MORE_PERMISSIONS_REFUSAL)
    if not actor.has_perm(MANAGE_STAFF):
        staff = accounts.filter(is_staff=True).values_list("pk", flat=True)
        found |= dict.fromkeys(staff, STAFF_REFUSAL)
    superusers = accounts.filter(is_superuser=True).values_list("pk", flat=True)
    return found | dict.fromkeys(superusers, SUPERUSER_REFUSAL)


def grant_refusal(
    actor: Any,
    *,
    groups: list[Group],
    is_staff: bool,
    is_superuser: bool,
    target: User | None = None,
) -> Refusal | None:
    """Returns why `actor` may not give an account this access, or None if they may.

    Nobody may grant permissions that they lack. Access that the account already has is not granted
    again, so an administrator may remove one of a colleague's roles and keep the others.
    """
    if target and target.is_service and (is_superuser or administrator_roles(groups)):
        return SERVICE_GRANT_REFUSAL
    if isinstance(actor, CommandActor) or actor.is_superuser:
        return None
    if is_superuser and not (target and target.is_superuser):
        return Refusal("Only a superuser may make someone a superuser.")
    if is_staff and not (target and target.is_staff) and not actor.has_perm(MANAGE_STAFF):
        reason = f"Only a role that can {ability(MANAGE_STAFF)} may make someone staff."
        return Refusal(reason, MANAGE_STAFF)
    had_groups = set(target.groups.all()) if target else set()
    return role_grant_refusal(actor, [group for group in groups if group not in had_groups])


def role_grant_refusal(actor: User, groups: list[Group]) -> Refusal | None:
    """Returns why `actor`, who is no superuser, may not give roles that an account lacks."""
    missing = sorted(query_permission_names(group__in=groups) - actor.get_all_permissions())
    if missing:
        return Refusal(grant_reason(missing), missing[0])
    return None


def grant_reason(missing: list[str]) -> str:
    """Returns the sentence about the permissions that an actor lacks for a grant, three by name."""
    abilities = ", ".join(ability(permission) for permission in missing[:3])
    more = f", and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"Only someone with these permissions can grant them: {abilities}{more}."


def lacks_effect(account: User, groups: Iterable[Group]) -> bool:
    """Returns whether permissions of the groups have no effect, because the account is no staff."""
    if account.is_staff or account.is_superuser:
        return False
    return Permission.objects.filter(group__in=list(groups)).exists()


def stored_permissions(account: User) -> set[str]:
    """Returns the permissions of the account's groups and its own, whether it is active or not.
    Roles that have ended give none.

    A page that shows them has loaded them with the account (users/permissions.py). A verb has not,
    because it loads its account again.
    """
    known = vars(account).get("known_permissions")
    if known is not None:
        return known
    return {f"{app}.{codename}" for app, codename in STORED_PERMISSIONS.rows(account.pk)}


def stored_permission_rows(account_id: int) -> QuerySet:
    # Starts from the account's own rows: another join order would read everybody's memberships.
    held = memberships_in_effect().filter(user_id=account_id).values("group_id")
    roles = Group.permissions.through.objects.filter(group_id__in=held)
    own = User.user_permissions.through.objects.filter(user=account_id)
    by_role = Q(pk__in=roles.values("permission_id"))
    granted = Permission.objects.filter(by_role | Q(pk__in=own.values("permission_id")))
    return granted.values_list("content_type__app_label", "codename")


STORED_PERMISSIONS = CachedQuery(Permission, stored_permission_rows)


def permission_names(rows: Iterable[Permission]) -> set[str]:
    """Returns the names (app.codename) of permissions loaded with their content types."""
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def query_permission_names(**lookups: Any) -> set[str]:
    return {name for _, name in named_permissions(**lookups)}


def named_permissions(**lookups: Any) -> list[tuple[int, str]]:
    rows = Permission.objects.filter(**lookups).values_list(
        "pk", "content_type__app_label", "codename"
    )
    return [(pk, f"{app}.{codename}") for pk, app, codename in rows]
