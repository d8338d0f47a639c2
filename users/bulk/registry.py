"""The registered bulk actions. Each room registers its own when the application starts."""

from users.bulk.action import BulkAction
from users.bulk.undo import Undo
from users.bulk.undo_rules import UNDO_KINDS
from users.bulk.undoable_action import UndoableAction
from users.directory.selection_bar import BarAction, register_bar_action
from users.jobs.kinds import register_kind

ACTIONS_BY_SLUG: dict[str, BulkAction] = {}


def register_action(action: BulkAction) -> None:
    """Registers the action, its undo and the undo of that undo in this process."""
    register_kind(action)
    ACTIONS_BY_SLUG[action.slug] = action
    register_bar_action(bar_action(action))
    if isinstance(action, UndoableAction):
        register_undo(action)


def bar_action(action: BulkAction) -> BarAction:
    """Returns the action as the bar below the list of the directory offers it."""
    menu = "Hard to undo" if action.in_last_section else action.menu or "Account"
    return BarAction(
        url=action.url,
        label=action.label,
        icon=action.icon,
        action=action.action,
        position=action.position,
        menu="" if action.in_bar else menu,
        dangerous=action.dangerous,
    )


def ordered_actions() -> list[BulkAction]:
    """Returns all actions in the order in which pages list them."""
    return sorted(ACTIONS_BY_SLUG.values(), key=lambda action: action.position)


def register_undo(action: UndoableAction) -> None:
    undo = f"undo-{action.name}"
    redo = f"redo-{action.name}"
    register_kind(Undo(undo, f"Undo “{action.label}”", action.undo_action, action))
    register_kind(
        Undo(
            redo,
            f"Redo “{action.label}”",
            action.action,
            undone_action=action,
            title_suffix=" again",
        )
    )
    UNDO_KINDS.update(
        {
            action.name: undo,
            undo: redo,
            redo: undo,
        }
    )
