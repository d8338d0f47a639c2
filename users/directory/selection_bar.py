"""The bar below the list: what can be done with the ticked accounts, and the ticks of other pages.

Rooms that come later register their actions. Without scripts the ticks of other pages travel in the
URL as `ids` and stand in the form of the bar as hidden fields.
"""

from dataclasses import dataclass
from typing import Any

from users import access
from users.directory.filter import TICKED_PARAMETER as TICKED
from users.exceptions import BadParameter
from users.models import User
from users.web.query_string import is_id_text

# The largest page of the directory.
MAX_TICKED = 100


@dataclass(frozen=True, kw_only=True)
class BarAction:
    """An action for the ticked accounts, which `url` asks about. `action`: of users.access. Actions
    with a `menu` stand under that heading in the menu "More"; "" for a button.
    """

    url: str
    label: str
    icon: str
    action: str
    position: int
    menu: str = ""
    dangerous: bool = False


BAR_ACTIONS: dict[str, BarAction] = {}


def register_bar_action(action: BarAction) -> None:
    BAR_ACTIONS[action.url] = action


def has_bar_actions(viewer: User) -> bool:
    """Returns whether the viewer may take any action of the bar."""
    return any(access.may(viewer, action.action) for action in BAR_ACTIONS.values())


def viewer_bar_actions(viewer: User) -> dict[str, list[BarAction]]:
    """Returns the actions that the viewer may take, by the heading of their menu."""
    found: dict[str, list[BarAction]] = {}
    actions = sorted(BAR_ACTIONS.values(), key=lambda one: one.position)
    permitted = access.permitted_actions(viewer, [one.action for one in actions])
    for action in actions:
        if action.action in permitted:
            found.setdefault(action.menu, []).append(action)
    return found


def carried_ids(query: Any) -> list[str]:
    """Returns the ids of ticked accounts in a query string. Raises BadParameter."""
    ids = dict.fromkeys(query.getlist(TICKED))
    if len(ids) > MAX_TICKED:
        raise BadParameter(TICKED, f"You can select at most {MAX_TICKED} rows.")
    if not all(is_id_text(value) for value in ids):
        raise BadParameter(TICKED, "This takes account IDs.")
    return list(ids)


def tick_rows(html: str, ids: list[str]) -> str:
    """Returns the rows with the boxes of these accounts ticked."""
    for value in ids:
        box = tick_value(value)
        html = html.replace(box, f"{box} checked", 1)
    return html


def tick_value(value: object) -> str:
    """Returns the attributes of a tick box that `tick_rows` finds it by.

    The rows come from a cache that several viewers share, so they are ticked as text.
    """
    return f'name="{TICKED}" value="{value}" form="selection"'


def carried_context(ids: list[str], accounts: list[User]) -> dict[str, object]:
    """Returns the context of the bar for ticks that came in the URL."""
    shown = {str(account.pk) for account in accounts}
    return {"carried": True, "others": [value for value in ids if value not in shown]}
