"""Into groups and out of them: what users.verbs.role_addition.verb.add_to_groups and
remove_from_groups do to one account.
"""

from abc import abstractmethod
from collections import defaultdict
from typing import Any, ClassVar

from django.contrib.auth.models import Group
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from users import access
from users.bulk.action import group_alike
from users.bulk.eligibility import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkForm
from users.bulk.lock import lock_admitted, plain_accounts
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import User
from users.web.forms import GroupsForm

Membership: Any = User.groups.through
GROUPS_GONE = "These roles no longer exist."


class BulkGroupsForm(BulkForm, GroupsForm):
    version = None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.offer(list(Group.objects.order_by("id")))


class GroupsAction(ConditionAction):
    """Base class of AddToGroups and RemoveFromGroups. The before-image holds the ids of all of the
    account's groups.
    """

    action = "change_groups"
    columns = ("groups",)
    undo_action = "change_groups"

    way: ClassVar[str]

    def title(self, job: Job) -> str:
        """With the names that they had when it was started."""
        return f"{self.way} {', '.join(job.parameters.get('names', [])) or 'roles'}"

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        return super().stored(values) | {"names": [group.name for group in values["groups"]]}

    def groups(self, job: Job) -> dict[int, Group]:
        return Group.objects.in_bulk(job.parameters.get("groups", []))

    def run(self, chunk: Chunk) -> None:
        now = timezone.now()
        groups = self.groups(chunk.job)
        ids = lock_admitted(chunk, self.action, takes_keys=False)
        rows = list(self.sorted_out(chunk, ids, now))
        old = self.states(rows)
        for pk, why in self.refused(chunk.by, old, groups).items():
            chunk.skipped(pk, why)
            del old[pk]
        self.move(old, groups)
        plain_accounts().filter(pk__among=list(old)).update(
            version=F("version") + 1, updated_at=now
        )
        new = self.states(list(old))
        record_changes(chunk, self.event, [self.written(old[pk], new[pk]) for pk in old])

    def refused(
        self, by: Any, old: dict[int, dict[str, Any]], groups: dict[int, Group]
    ) -> dict[int, str]:
        """Nobody gives what they don't have."""
        return {}

    @abstractmethod
    def move(self, old: dict[int, dict[str, Any]], groups: dict[int, Group]) -> None: ...

    def states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        rows = plain_accounts().filter(pk__among=ids).values("pk", "username", "version")
        members: dict[int, dict[int, str]] = defaultdict(dict)
        for pk, group, name in Membership.objects.filter(user_id__among=ids).values_list(
            "user_id", "group_id", "group__name"
        ):
            members[pk][group] = name
        return {
            row["pk"]: row | {"groups": sorted(members[row["pk"]]), "names": members[row["pk"]]}
            for row in rows
        }

    def written(self, old: dict[str, Any], new: dict[str, Any]) -> ChangedAccount:
        before, after = ({"groups": sorted(each["names"].values())} for each in (old, new))
        return ChangedAccount(
            new["pk"], new["username"], new["version"], {"groups": old["groups"]}, before, after
        )

    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        """True too if a role has another name by now: the event has the names of then."""
        names = set(after["groups"])
        if names == set(now["names"].values()):
            return True
        return Group.objects.filter(name__in=names).count() < len(names)

    def objections(
        self, by: Any, images: dict[int, dict[str, Any]], old: dict[int, dict[str, Any]]
    ) -> dict[int, str]:
        groups = Group.objects.in_bulk(
            {group for image in images.values() for group in image["groups"]}
        )
        wanted = {pk: set(image["groups"]) - set(old[pk]["groups"]) for pk, image in images.items()}
        return grant_refusals(by, wanted, groups)

    def put_back(self, images: dict[int, dict[str, Any]]) -> None:
        there = set(Group.objects.values_list("pk", flat=True))
        for image, ids in group_alike(images):
            Membership.objects.filter(user_id__among=ids).exclude(
                group_id__in=image["groups"]
            ).delete()
            add_members(ids, there.intersection(image["groups"]))


def grant_refusals(
    by: Any, wanted: dict[int, set[int]], groups: dict[int, Group]
) -> dict[int, str]:
    """Returns a reason by account id for the accounts to which `by` may not grant the roles they
    would get.
    """
    answers: dict[frozenset[int], str] = {}
    for ids in map(frozenset, wanted.values()):
        if ids not in answers:
            given = [groups[pk] for pk in sorted(ids) if pk in groups]
            why = access.grant_refusal(
                by,
                groups=given,
                is_staff=False,
                is_superuser=False,
            )
            answers[ids] = why.reason if why else ""
    return {pk: answer for pk, ids in wanted.items() if (answer := answers[frozenset(ids)])}


def add_members(ids: list[int], groups: set[int]) -> None:
    rows = [Membership(user_id=pk, group_id=group) for pk in ids for group in groups]
    Membership.objects.bulk_create(rows, batch_size=5000, ignore_conflicts=True)


def is_member_of(*groups: int) -> Exists:
    return Exists(Membership.objects.filter(user_id=OuterRef("pk"), group_id__in=groups))
