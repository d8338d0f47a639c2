"""The gate: who may do what to whom. Every path asks here, and a job asks again when it runs.

`require` raises `Denied`, which becomes a 403 page and an audit event; `may` answers for the
interface. Rules are small functions that return a refusal, or None.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q

from users.models import User, UserQuerySet

# Each action of the back office and the one permission that it takes. Verbs register theirs from
# their declarations when the application starts.
PERMISSIONS = {
    "view": "users.view_user",
    "view_personal": "users.view_personal",
    "add_note": "users.add_note",
    "edit_note": "users.add_note",
    "pin_note": "users.pin_note",
    "export": "users.export_user",
    "view_audit": "users.view_auditevent",
    "share_view": "users.share_view",
    "view_caching": "users.view_caching",
    "view_jobs": "users.view_job",
    "control_jobs": "users.control_job",
    "approve_bulk": "users.approve_bulk",
}
MANAGE_STAFF = "users.manage_staff"
REVEAL_WITHOUT_REASON = "users.reveal_without_reason"
# Actions that only look; the ranks of actor and target do not matter.
READ_ACTIONS = {
    "view",
    "view_personal",
    "export",
    "view_audit",
    "view_caching",
    "view_jobs",
}
NOT_ON_OWN_ACCOUNT: set[str] = set()


def declare_action(
    action: str, permission: str, *, on_oneself: bool, changes_nothing: bool = False
) -> None:
    """Makes an action known: the permission that it takes, whether people may take it on their own
    account, and whether it only looks.
    """
    PERMISSIONS[action] = permission
    if not on_oneself:
        NOT_ON_OWN_ACCOUNT.add(action)
    if changes_nothing:
        READ_ACTIONS.add(action)


@dataclass(frozen=True)
class CommandActor:
    """An actor that is no account: somebody with a shell on the server. The gate is the server's
    own log-in.
    """

    name: str

    pk = None

    def __str__(self) -> str:
        return f"command {self.name}"


Actor = User | CommandActor


class Denied(PermissionDenied):
    """A refused action. `permission` is what is missing ("" where a permission would not help)."""

    def __init__(self, action: str, reason: str, permission: str = "", target: User | None = None):
        super().__init__(reason)
        self.action = action
        self.reason = reason
        self.permission = permission
        self.target = target


class Refusal(NamedTuple):
    """Why not, in a sentence, and the permission that would help ("" where none would)."""

    reason: str
    permission: str = ""


SUPERUSER_REFUSAL = Refusal("Only a superuser may change a superuser’s account.")
STAFF_REFUSAL = Refusal(
    f"This is a staff account. You need the permission “{MANAGE_STAFF}” to change it.", MANAGE_STAFF
)
MORE_PERMISSIONS_REFUSAL = Refusal("This account has permissions that you don’t have.")


def require(actor: Any, action: str, target: User | None = None) -> None:
    """Nothing, or Denied. `target` is the account acted on, freshly read."""
    if why := find_refusal(actor, action, target):
        raise Denied(action, why.reason, why.permission, target)


def may(actor: Any, action: str, target: User | None = None) -> bool:
    return find_refusal(actor, action, target) is None


def allowed_actions(actor: Any, target: User) -> set[str]:
    """Every action that `actor` may take on `target`, for a page that offers them: asks the
    database as often as one.
    """
    if isinstance(actor, CommandActor):
        return set(PERMISSIONS)
    held = (
        {action for action in PERMISSIONS if holds_permission(actor, action)}
        if may_enter(actor)
        else set()
    )
    if held <= READ_ACTIONS or rank_refusal(actor, target):
        return held & READ_ACTIONS
    return {
        action
        for action in held
        if action in READ_ACTIONS or not own_account_refusal(actor, action, target)
    }


def find_refusal(actor: Any, action: str, target: User | None = None) -> Refusal | None:
    """Why `actor` may not, or None if they may."""
    if isinstance(actor, CommandActor):
        return None
    if not may_enter(actor):
        return Refusal("Only active staff may use the back office.", PERMISSIONS[action])
    if permission := missing_permission(actor, action):
        return Refusal(f"Your roles don’t include the permission “{permission}”.", permission)
    if target is None or action in READ_ACTIONS:
        return None
    return own_account_refusal(actor, action, target) or rank_refusal(actor, target)


def may_enter(actor: Any) -> bool:
    return bool(actor.is_authenticated and actor.is_active and actor.is_staff)


def holds_permission(actor: Any, action: str) -> bool:
    return isinstance(actor, CommandActor) or not missing_permission(actor, action)


def missing_permission(actor: User, action: str) -> str:
    """The first permission for it that the actor lacks, or "". Nobody edits what is masked for
    them.
    """
    takes = [PERMISSIONS[action], *([PERMISSIONS["view_personal"]] if action == "edit" else [])]
    return next((permission for permission in takes if not actor.has_perm(permission)), "")


def own_account_refusal(actor: User, action: str, target: User) -> Refusal | None:
    if actor.pk == target.pk and action in NOT_ON_OWN_ACCOUNT:
        return Refusal("You can’t do this to your own account. Ask a colleague.")
    return None


def rank_refusal(actor: User, target: User) -> Refusal | None:
    """Nobody touches an account above their own; a colleague's account takes a permission of its
    own.
    """
    if actor.is_superuser or actor.pk == target.pk:
        return None
    if target.is_superuser:
        return SUPERUSER_REFUSAL
    if target.is_staff and not actor.has_perm(MANAGE_STAFF):
        return STAFF_REFUSAL
    # Not get_all_permissions of the target: it is empty for an account that is suspended, whatever
    # it is worth when reinstated. And for all accounts: whoever holds the mailbox of a former
    # colleague has their rights on their return.
    if stored_permissions(target) - actor.get_all_permissions():
        return MORE_PERMISSIONS_REFUSAL
    return None


def find_refusals(actor: Any, action: str, accounts: UserQuerySet) -> dict[int, Refusal]:
    """`refusal` for each of `accounts` that it refuses, by id, in a few queries whatever their
    number.

    `accounts` may be everybody: each query begins at those who are staff or have rights, and they
    are few.
    """
    if why := find_refusal(actor, action):
        return dict.fromkeys(accounts.values_list("pk", flat=True), why)
    if isinstance(actor, CommandActor) or action in READ_ACTIONS:
        return {}
    found = {} if actor.is_superuser else rank_refusals(actor, accounts.exclude(pk=actor.pk))
    if (why := own_account_refusal(actor, action, actor)) and accounts.filter(pk=actor.pk).exists():
        found[actor.pk] = why
    return found


def rank_refusals(actor: User, accounts: UserQuerySet) -> dict[int, Refusal]:
    """`standing`, for all of them at once. `actor` is no superuser and none of them."""
    held = actor.get_all_permissions()
    above = [pk for pk, name in named_permissions() if name not in held]
    groups = Group.permissions.through.objects.filter(permission_id__in=above).values("group_id")
    by_group: Any = User.groups.through.objects.filter(group_id__in=groups).values("user_id")
    by_own: Any = User.user_permissions.through.objects.filter(permission_id__in=above).values(
        "user_id"
    )
    found: dict[int, Refusal] = {}
    for holders in (by_group, by_own):
        found |= dict.fromkeys(
            accounts.filter(pk__in=holders).values_list("pk", flat=True), MORE_PERMISSIONS_REFUSAL
        )
    if not actor.has_perm(MANAGE_STAFF):
        found |= dict.fromkeys(
            accounts.filter(is_staff=True).values_list("pk", flat=True), STAFF_REFUSAL
        )
    return found | dict.fromkeys(
        accounts.filter(is_superuser=True).values_list("pk", flat=True), SUPERUSER_REFUSAL
    )


def grant_refusal(
    actor: Any,
    *,
    groups: list[Group],
    is_staff: bool,
    is_superuser: bool,
    target: User | None = None,
) -> Refusal | None:
    """Why `actor` may not leave an account with these rights, or None. Nobody grants what they do
    not have.

    What the account has already is no grant: an administrator may take one role of a colleague and
    leave another.
    """
    if isinstance(actor, CommandActor) or actor.is_superuser:
        return None
    had_groups = set(target.groups.all()) if target else set()
    if is_superuser and not (target and target.is_superuser):
        return Refusal("Only a superuser may make someone a superuser.")
    new_groups = [group for group in groups if group not in had_groups]
    if is_staff and not (target and target.is_staff) and not actor.has_perm(MANAGE_STAFF):
        return Refusal(
            f"You need the permission “{MANAGE_STAFF}” to make someone staff.", MANAGE_STAFF
        )
    missing = sorted(query_permission_names(group__in=new_groups) - actor.get_all_permissions())
    if missing:
        return Refusal(
            f"You can’t grant permissions you don’t have: {', '.join(missing)}.", missing[0]
        )
    return None


def stored_permissions(account: User) -> set[str]:
    """The permissions that the account's groups and its own row give, active or not.

    A page that shows them has read them with the account (users.permissions); a verb reads its
    account anew, and has not.
    """
    known = vars(account).get("known_permissions")
    if known is not None:
        return known
    # By the account's own rows: joined the other way, it would read everybody's memberships.
    by_group = Group.permissions.through.objects.filter(group__user=account).values("permission_id")
    own = User.user_permissions.through.objects.filter(user=account).values("permission_id")
    return query_permission_names(Q(pk__in=by_group) | Q(pk__in=own))


def permission_names(rows: Iterable[Permission]) -> set[str]:
    """Of permissions that are loaded with their content types."""
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def query_permission_names(*conditions: Q, **lookups: Any) -> set[str]:
    return {name for _, name in named_permissions(*conditions, **lookups)}


def named_permissions(*conditions: Q, **lookups: Any) -> list[tuple[int, str]]:
    rows = Permission.objects.filter(*conditions, **lookups).values_list(
        "pk", "content_type__app_label", "codename"
    )
    return [(pk, f"{app}.{codename}") for pk, app, codename in rows]
