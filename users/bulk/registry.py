"""The bulk actions that there are. Each room registers its own when the application starts."""

from users.bulk.action import Action
from users.bulk.undo import Undo
from users.bulk.undo_rules import UNDO_OF
from users.jobs.kinds import register

ACTIONS_BY_NOUN: dict[str, Action] = {}  # in the order in which pages offer them


def register_action(action: Action) -> None:
    """Makes the action, its undo and the undo of that undo known in this process."""
    register(action)
    ACTIONS_BY_NOUN[action.noun] = action
    if action.undo_action:
        register_undo(action)


def register_undo(action: Action) -> None:
    undo = f"undo-{action.name}"
    redo = f"redo-{action.name}"
    register(Undo(undo, f"Undo “{action.label}”", action.undo_action, action))
    register(Undo(redo, f"Redo “{action.label}”", action.action, action))
    UNDO_OF.update({action.name: undo, undo: redo, redo: undo})
