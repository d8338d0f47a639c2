"""The base class of bulk actions that can be undone from the before-images in the job's items."""

from abc import abstractmethod
from collections import defaultdict
from typing import Any, ClassVar

from users.bulk.condition_action import ConditionAction
from users.bulk.events import ChangedAccount


class UndoableAction(ConditionAction):
    """A bulk action that can be undone. It declares `undo_action`."""

    # The names in a before-image.
    columns: ClassVar[tuple[str, ...]]
    undo_ends_sessions: ClassVar[bool] = False

    @abstractmethod
    def account_states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        """Returns pk, username, version and `columns` of each account, by id."""

    @abstractmethod
    def restore_states(self, images: dict[int, dict[str, Any]]) -> None:
        """Writes before-images, by account id, back into the accounts."""

    def changed_account(self, old: dict[str, Any], new: dict[str, Any]) -> ChangedAccount:
        """Returns the change of an account from its `account_states` before and after it."""
        return ChangedAccount.from_states(old, new, self.columns)

    @abstractmethod
    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        """Returns False if raw SQL has changed the account without its version: its state `now` is
        not what the job's event recorded as `after`. `image`: the before-image.
        """

    def undo_refusals(
        self, by: Any, images: dict[int, dict[str, Any]], old: dict[int, dict[str, Any]]
    ) -> dict[int, str]:
        """Returns a reason by account id for the accounts that `by` may not restore, although they
        may undo the action. `old` has the states of now.
        """
        return {}


def group_equal_images(
    images: dict[int, dict[str, Any]],
) -> list[tuple[dict[str, Any], list[int]]]:
    """Returns each distinct before-image with the ids of its accounts, so that they can be restored
    together. After a bulk job most images are equal.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for pk, image in images.items():
        groups[repr(sorted(image.items()))].append(pk)
    return [(images[ids[0]], ids) for ids in groups.values()]
