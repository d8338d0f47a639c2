"""The declaration of a verb: everything that other code needs to know about it.

Each folder below users/verbs declares its verb in its `__init__.py`. URLs, the links on the
account's page, permissions, default roles, audit labels, bulk actions and the doctor's remedies
are read from the declarations in users/verbs/registry.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.urls import URLPattern

from users.bulk.action import BulkAction
from users.models import State, User
from users.web.forms import VerbForm

LIVING_STATES = (State.INVITED, State.ACTIVE, State.SUSPENDED, State.ENDED)
VERB_TEMPLATE = "users/verbs/verb.html"


def always(account: User) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class VerbLink:
    """A link from the account's page to the page of a verb.

    It stands in the menu under the heading `menu`; without a heading it is a button with the CSS
    class `button_style`. A link that is set `apart` stands in the last section of the menu.
    """

    label: str
    offered_in: tuple[State, ...] = ()
    condition: Callable[[User], object] = always
    menu: str = ""
    button_style: str = ""
    apart: bool = False
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class PageTexts:
    """The texts of the page of a plain verb.

    `title` and `question` may contain {name}. `explanation` may be a function of the account.
    `button_icon` is only given where it differs from the icon of the verb.
    """

    title: str
    question: str
    button: str
    explanation: str | Callable[[User], str]
    button_icon: str = ""

    def fill_in(self, account: User) -> dict[str, str]:
        """Returns title, question and explanation for `account`."""
        explanation = self.explanation
        if callable(explanation):
            explanation = explanation(account)
        return {
            "title": self.title.format(name=account.display_name),
            "question": self.question.format(name=account.display_name),
            "explanation": explanation,
        }


@dataclass(
    frozen=True,
    kw_only=True,
    eq=False,
)
class Verb:
    """One kind of change of an account.

    A plain verb has `form`, `change`, `done` and `texts`, and its page is served by
    users/verbs/verb_page.py. A verb whose page is different has a `view` of its own.
    """

    name: str
    path: str
    """Below the account's address: "suspension/" or "suspension/end/"."""

    # The gate
    action: str
    """The action of users/access.py that the verb asks for. Verbs may share one."""
    permission: str = ""
    """The codename that the action takes; empty where another verb declares it."""
    permission_label: str = ""
    permission_model: str = "user"
    roles: tuple[str, ...] = ()
    """The roles that get the permission when it is created."""
    on_oneself: bool = False
    """Whether people may do it to their own account."""
    changes_nothing: bool = False
    """Whether it only shows something, so that ranks do not matter."""

    # The audit trail
    event: str
    event_label: str
    more_events: Mapping[str, str] = field(default_factory=dict)
    """Labels of further events that the functions of the folder record."""

    # The link on the account's page
    label: str
    icon: str = ""
    offered_in: tuple[State, ...] = ()
    condition: Callable[[User], object] = always
    menu: str = ""
    button_style: str = ""
    apart: bool = False
    """Hard to undo, so the link stands in a section of its own."""
    key: str = ""
    """The keyboard shortcut on the account's page."""
    more_links: tuple[VerbLink, ...] = ()

    # The page
    change: Callable[..., User]
    """The function in verb.py; takes the account, `by` and the values of the form."""
    form: type[VerbForm] = VerbForm
    done: str = ""
    """The success message, with {name}, {email}, {state}, {until} and the chosen {roles}."""
    texts: PageTexts | None = None
    dangerous: bool = False
    """Whether the button that confirms is red."""
    impact: bool = False
    """Whether the page shows what the verb would touch."""
    shows_status: bool = False
    """Whether the page shows why the account is suspended or deleted."""
    template: str = VERB_TEMPLATE
    view: Callable[..., HttpResponse] | None = None
    more_urls: tuple[URLPattern, ...] = ()

    bulk: type[BulkAction] | None = None

    @property
    def url_name(self) -> str:
        """ "account-suspension-end" for the path "suspension/end/"."""
        return "account-" + self.path.strip("/").replace("/", "-")

    @property
    def links(self) -> tuple[VerbLink, ...]:
        """All links on the account's page; none where the verb is reached from elsewhere."""
        if not self.offered_in:
            return self.more_links
        own = VerbLink(
            label=self.label,
            offered_in=self.offered_in,
            condition=self.condition,
            menu=self.menu,
            button_style=self.button_style,
            apart=self.apart,
            key=self.key,
        )
        return (own, *self.more_links)

    @property
    def button_icon(self) -> str:
        """The icon on the button that confirms."""
        if self.texts and self.texts.button_icon:
            return self.texts.button_icon
        return self.icon
