"""The base class of bulk actions that add roles to accounts or remove roles from them."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import Group
from django.db.models import Exists, F, OuterRef, QuerySet

from users import access
from users.audit.redaction import SystemActor
from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkForm
from users.bulk.undoable_action import UndoableAction, group_equal_images
from users.database.clock import current_time
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.role_grants import Membership, administrator_roles, record_grants
from users.role_models import RoleGrant
from users.sessions.store import renew_session_keys
from users.web.forms import GroupsForm

ROLES_DELETED = "These roles no longer exist."
ADMINISTRATOR_ROLE_REFUSAL = "Roles that can manage staff are granted on the page of each account."


class BulkRolesForm(BulkForm, GroupsForm):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.offer(list(Group.objects.order_by("id")))


class RoleAction(UndoableAction):
    """Base class of AddRoles and RemoveRoles. The before-image holds the ids of all of the
    account's groups, and when those with an end would have ended.
    """

    action = "change_groups"
    columns = ("groups",)
    undo_action = "change_groups"

    # The title of the job: "Add {roles} to {accounts}".
    title_format: ClassVar[str]

    def describe(self, job: Job, accounts: str) -> str:
        """Names the roles as they were called when the job was started."""
        names = ", ".join(job.parameters.get("names", []))
        return self.title_format.format(roles=names or "roles", accounts=accounts)

    def job_parameters(self, values: dict[str, Any]) -> dict[str, Any]:
        names = [group.name for group in values["groups"]]
        return super().job_parameters(values) | {"names": names}

    def chosen_groups(self, job: Job) -> dict[int, Group]:
        """Returns the groups in the job's parameters that still exist, by id."""
        return Group.objects.in_bulk(job.parameters.get("groups", []))

    def run(self, chunk: Chunk) -> None:
        now = current_time()
        groups = self.chosen_groups(chunk.job)
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        eligible = list(self.eligible_rows(chunk, ids, now))
        old = self.account_states(eligible)
        for pk, reason in self.role_refusals(chunk.by, old, groups).items():
            chunk.skipped(pk, reason)
            del old[pk]
        self.change_memberships(old, groups)
        record_gained(chunk, old, groups)
        changed = plain_accounts().filter(pk__among=list(old))
        changed.update(version=F("version") + 1, updated_at=now)
        new = self.account_states(list(old))
        changes = [self.changed_account(old[pk], new[pk]) for pk in old]
        record_changes(chunk, self.event, changes)

    def role_refusals(
        self, by: Any, old: dict[int, dict[str, Any]], groups: dict[int, Group]
    ) -> dict[int, str]:
        """Returns a reason by account id for the accounts to which `by` may not grant the roles."""
        return {}

    @abstractmethod
    def change_memberships(self, old: dict[int, dict[str, Any]], groups: dict[int, Group]) -> None:
        """Adds the accounts of `old` to `groups`, or removes them."""

    def account_states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        """Returns the states with `names`, the names of the account's roles by id, and `ends`, the
        times at which roles end.
        """
        accounts = plain_accounts().filter(pk__among=ids).values("pk", "username", "version")
        memberships = Membership.objects.filter(user_id__among=ids)
        names: dict[int, dict[int, str]] = defaultdict(dict)
        for pk, group, name in memberships.values_list("user_id", "group_id", "group__name"):
            names[pk][group] = name
        ends = grant_ends(memberships)
        found = {}
        for row in accounts:
            held = names[row["pk"]]
            own = {"groups": sorted(held), "names": held, "ends": ends.get(row["pk"], {})}
            found[row["pk"]] = row | own
        return found

    def changed_account(self, old: dict[str, Any], new: dict[str, Any]) -> ChangedAccount:
        return ChangedAccount(
            pk=new["pk"],
            username=new["username"],
            version=new["version"],
            image=role_image(old),
            before={"groups": sorted(old["names"].values())},
            after={"groups": sorted(new["names"].values())},
        )

    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        """Returns True also if a role was renamed: the event has its former name."""
        names = set(after["groups"])
        if names == set(now["names"].values()):
            return True
        return Group.objects.filter(name__in=names).count() < len(names)

    def undo_refusals(
        self, by: Any, images: dict[int, dict[str, Any]], old: dict[int, dict[str, Any]]
    ) -> dict[int, str]:
        regained = {
            pk: set(image["groups"]) - set(old[pk]["groups"]) for pk, image in images.items()
        }
        mentioned = {group for image in images.values() for group in image["groups"]}
        groups = Group.objects.in_bulk(mentioned)
        by_hand = {group.pk for group in administrator_roles(groups.values())}
        refused = {
            pk: ADMINISTRATOR_ROLE_REFUSAL for pk, gained in regained.items() if gained & by_hand
        }
        return refused | grant_refusals(by, regained, groups)

    def restore_states(self, images: dict[int, dict[str, Any]]) -> None:
        existing = set(Group.objects.values_list("pk", flat=True))
        for image, ids in group_equal_images(images):
            memberships = Membership.objects.filter(user_id__among=ids)
            memberships.exclude(group_id__in=image["groups"]).delete()
            ends = read_ends(image)
            ended = {group for group, until in ends.items() if until <= current_time()}
            add_members(ids, existing.intersection(image["groups"]) - ended)
            for group in ends.keys() - ended:
                record_grants(ids, [group], by=SystemActor(), until=ends[group])


def grant_ends(memberships: QuerySet) -> dict[int, dict[str, str]]:
    """Returns the ends of the roles that have one, as stored in images: by account and group."""
    grants = RoleGrant.objects.filter(membership_id__in=memberships.values("pk"))
    ends: dict[int, dict[str, str]] = defaultdict(dict)
    rows = grants.values_list("account_id", "group_id", "until")
    for account_id, group_id, until in rows:
        if until:
            ends[account_id][str(group_id)] = until.isoformat()
    return ends


def role_image(state: dict[str, Any]) -> dict[str, Any]:
    image = {"groups": state["groups"]}
    return image | {"ends": state["ends"]} if state["ends"] else image


def read_ends(image: dict[str, Any]) -> dict[int, datetime]:
    """Returns when the roles of an image end, by group."""
    ends = image.get("ends", {})
    return {int(group): datetime.fromisoformat(until) for group, until in ends.items()}


def record_gained(chunk: Chunk, old: dict[int, dict[str, Any]], groups: Iterable[int]) -> None:
    """Stores who gave the roles to the accounts that did not have them in `old`."""
    for group in groups:
        gained = [pk for pk, row in old.items() if group not in row["groups"]]
        record_grants(
            gained,
            [group],
            by=chunk.by,
            reason=chunk.job.reason,
            ticket=chunk.job.ticket,
        )


def grant_refusals(
    by: Any, gained: dict[int, set[int]], groups: dict[int, Group]
) -> dict[int, str]:
    """Returns a reason by account id for the accounts to which `by` may not grant the roles they
    would get. `gained` has the ids of these roles by account id.
    """
    # Most accounts get the same roles, so each set of roles is checked once.
    reasons: dict[frozenset[int], str] = {}
    for ids in map(frozenset, gained.values()):
        if ids not in reasons:
            granted = [groups[pk] for pk in sorted(ids) if pk in groups]
            refusal = access.grant_refusal(
                by,
                groups=granted,
                is_staff=False,
                is_superuser=False,
            )
            reasons[ids] = refusal.reason if refusal else ""
    return {pk: reason for pk, ids in gained.items() if (reason := reasons[frozenset(ids)])}


def add_members(ids: list[int], groups: set[int]) -> None:
    """Adds the accounts with these ids to the groups; existing memberships stay. Their sessions get
    new keys.
    """
    rows = [Membership(user_id=pk, group_id=group) for pk in ids for group in groups]
    Membership.objects.bulk_create(rows, batch_size=5000, ignore_conflicts=True)
    renew_session_keys(ids)


def is_member_of(*groups: int) -> Exists:
    """Returns the condition that an account has at least one of the groups."""
    return Exists(Membership.objects.filter(user_id=OuterRef("pk"), group_id__in=groups))
