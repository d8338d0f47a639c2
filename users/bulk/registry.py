"""The bulk actions that there are. Each room registers its own when the application starts."""

from users.bulk.action import BulkAction
from users.bulk.undo import Undo
from users.bulk.undo_rules import UNDO_KINDS
from users.jobs.kinds import register_kind

ACTIONS_BY_NOUN: dict[str, BulkAction] = {}


def register_action(action: BulkAction) -> None:
    """Makes the action, its undo and the undo of that undo known in this process."""
    register_kind(action)
    ACTIONS_BY_NOUN[action.noun] = action
    if action.undo_action:
        register_undo(action)


def ordered_actions() -> list[BulkAction]:
    """All actions in the order in which pages offer them."""
    return sorted(ACTIONS_BY_NOUN.values(), key=lambda action: action.position)


def register_undo(action: BulkAction) -> None:
    undo = f"undo-{action.name}"
    redo = f"redo-{action.name}"
    register_kind(Undo(undo, f"Undo “{action.label}”", action.undo_action, action))
    register_kind(Undo(redo, f"Redo “{action.label}”", action.action, action))
    UNDO_KINDS.update({action.name: undo, undo: redo, redo: undo})
