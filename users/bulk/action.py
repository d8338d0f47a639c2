"""The base class of bulk actions: a bulk action does for a selection what a verb does for one
account.

A new one is a class in the folder of its verb, which the declaration names. Most set columns of
the account and are described by expressions (users/bulk/column_action.py); the others write `run`
themselves. Whatever it does must leave the same rows and events as the verb would, account by
account: tests/bulk/test_parity.py compares the two.
"""

from collections import defaultdict
from typing import Any, ClassVar

from users.bulk.events import ChangedAccount
from users.bulk.selection_kind import SelectionKind
from users.bulk.undo_rules import job_links
from users.jobs.kinds import JobLink
from users.jobs.models import Job
from users.models import User


class BulkAction(SelectionKind):
    """`name`, `label` and `action` (of users.access) are those of a kind of job."""

    event: ClassVar[str]  # of the audit event of each account
    noun: ClassVar[str]  # as addresses have it: /users/bulk/suspension/
    past: ClassVar[str]  # what they are then: "suspended"
    asks: ClassVar[str] = ""  # with {} for "3 accounts"; where it is not the label and that
    explains: ClassVar[str]  # to whoever is about to do it
    icon: ClassVar[str] = "check"
    position: ClassVar[int]  # among the actions of the selection page, the lowest first
    menu: ClassVar[str] = ""  # the heading of its menu; "" for a button, or where it is set apart
    dangerous: ClassVar[bool] = False  # whether the button that confirms is red
    apart: ClassVar[bool] = False  # hard to undo, so it stands in a section of its own
    form: ClassVar[
        Any
    ]  # a users.bulk.forms.BulkForm; its fields beside `reason` go into the job's parameters
    takes_keys: ClassVar[bool] = False  # whether it may end the last superuser's access
    ends_sessions: ClassVar[bool] = False
    undo_action: ClassVar[str] = (
        ""  # of users.access, asked of whoever takes it back; "" where nobody can
    )
    undo_ends_sessions: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ()  # the names in a before-image
    four_eyes: ClassVar[str] = "above"
    # The button where a second person must approve the job.
    request_label: ClassVar[str] = "Request approval"
    touches: ClassVar[bool] = (
        True  # whether anything of the accounts, or of what belongs to them, is another afterwards
    )
    samples: ClassVar[bool] = False  # whether its form has a `sample` of what one of them gets

    def states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        """By id: pk, username, version and `columns` as they are now."""
        raise NotImplementedError

    def put_back(self, images: dict[int, dict[str, Any]]) -> None:
        """Writes before-images, by id, back into the accounts."""
        raise NotImplementedError

    def written(self, old: dict[str, Any], new: dict[str, Any]) -> ChangedAccount:
        """Returns the changed account as events and items record it, from its `states` before and
        after.
        """
        return ChangedAccount.of(old, new, self.columns)

    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        """Whether an account is as the job left it, by what its event records: raw SQL may have
        changed it and left its version. `image`: the before-image; `now`: of `states`; `after`: of
        the event.
        """
        raise NotImplementedError

    def objections(
        self, by: Any, images: dict[int, dict[str, Any]], old: dict[int, dict[str, Any]]
    ) -> dict[int, str]:
        """Accounts that `by` may not put back although they may take the action itself back, and
        why.
        """
        return {}

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return job_links(job, viewer)

    def example(self, accounts: list[User]) -> User:
        """Returns the selected account whose sample is shown."""
        return accounts[0]

    def question(self, accounts: str) -> str:
        return (self.asks or f"{self.label} {{}}?").format(accounts)

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """The form's values as the parameters of a job, which are JSON."""
        return {name: parameter_json(value) for name, value in values.items()}


def parameter_json(value: Any) -> Any:
    if value is None or isinstance(value, str | int | bool | list):
        return value
    if hasattr(value, "values_list"):
        return list(value.values_list("pk", flat=True))
    return value.isoformat()  # to the microsecond, as it comes back


def group_alike(images: dict[int, dict[str, Any]]) -> list[tuple[dict[str, Any], list[int]]]:
    """Accounts that were alike are put back together: after a bulk job most are."""
    groups: dict[str, list[int]] = defaultdict(list)
    for pk, image in images.items():
        groups[repr(sorted(image.items()))].append(pk)
    return [(images[ids[0]], ids) for ids in groups.values()]
