"""Chooses the links to verbs on the account's page, by its state and the viewer's permissions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from users.models import User
from users.verbs.declaration import Verb, VerbLink
from users.verbs.obstacles import find_obstacle
from users.verbs.registry import VERBS


@dataclass(frozen=True, kw_only=True)
class AccountAction:
    """A link to a verb."""

    verb: Verb
    link: VerbLink

    @property
    def label(self) -> str:
        return self.link.label

    def fits(self, account: User, may: Mapping[str, bool]) -> bool:
        """Returns whether the account's page shows the link."""
        if not may.get(self.verb.action) or account.state not in self.link.offered_in:
            return False
        return self.link.condition(account)

    def obstacle(self, account: User) -> str:
        """Returns why the link leads nowhere; "" if it leads to the form."""
        found = find_obstacle(account, self.verb.obstacles, in_row=True)
        return found.sentence if found else ""


@dataclass(frozen=True)
class AccountActions:
    """Buttons, the sections of the menu by heading, and the last section of the menu."""

    buttons: list[AccountAction]
    menu: dict[str, list[AccountAction]] = field(default_factory=dict)
    last_section: list[AccountAction] = field(default_factory=list)


def verb_actions(verb: Verb) -> list[AccountAction]:
    return [AccountAction(verb=verb, link=link) for link in verb.links]


ACTIONS = [action for verb in VERBS for action in verb_actions(verb)]
LAST_SECTION = tuple(action for action in ACTIONS if action.link.in_last_section)
BUTTONS = tuple(
    action for action in ACTIONS if not action.link.menu and not action.link.in_last_section
)
MENU: dict[str, tuple[AccountAction, ...]] = {}
for action in ACTIONS:
    if heading := action.link.menu:
        MENU[heading] = (*MENU.get(heading, ()), action)


def available_actions(account: User, may: Mapping[str, bool]) -> AccountActions:
    """Returns the links that fit the account.

    `may`: for each action of users.access, whether the viewer may take it on this account.
    """

    def fitting(actions: Iterable[AccountAction]) -> list[AccountAction]:
        return [action for action in actions if action.fits(account, may)]

    sections = {heading: fitting(actions) for heading, actions in MENU.items()}
    return AccountActions(
        buttons=fitting(BUTTONS),
        menu={heading: actions for heading, actions in sections.items() if actions},
        last_section=fitting(LAST_SECTION),
    )
