"""The declaration of a verb: everything that other code needs to know about it.

Each folder below users/verbs declares its verb in `__init__.py`, and users/verbs/registry.py lists
them all. URLs, the links on the account's page, permissions, default roles, audit labels, bulk
actions and the doctor's remedies are read from these declarations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.urls import URLPattern

from users.bulk.action import BulkAction
from users.models import State, User
from users.typed_text import isolate_text
from users.verbs.obstacles import Obstacle
from users.web.forms import VerbForm

VERB_TEMPLATE = "users/verbs/verb.html"


@dataclass(frozen=True, kw_only=True)
class VerbLink:
    """A link from the account's page to the page of a verb."""

    label: str
    offered_in: tuple[State, ...] = ()
    # Whether the account has the link at all, besides its state. A link of a verb with an obstacle
    # is shown, but it leads nowhere and says why.
    condition: Callable[[User], bool] = lambda account: True
    # The heading of its section in the menu; "" for a button.
    menu: str = ""
    # The CSS class of the button.
    button_style: str = ""
    # Whether it is in the last section of the menu, which has no heading.
    in_last_section: bool = False
    # The keyboard shortcut.
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class PageTexts:
    """The texts of the page of a plain verb. `title` and `question` may contain {name}."""

    title: str
    question: str
    button: str
    # The explanation, or a function that returns it for an account.
    explanation: str | Callable[[User], str]
    # The icon of the button, if it is not the icon of the verb.
    button_icon: str = ""

    def fill_in(self, account: User) -> dict[str, str]:
        """Returns the title, question and explanation for `account`."""
        explanation = self.explanation
        if callable(explanation):
            explanation = explanation(account)
        return {
            "title": self.title.format(name=isolate_text(account.display_name)),
            "question": self.question.format(name=isolate_text(account.display_name)),
            "explanation": explanation,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Verb:
    """One kind of change of an account.

    A plain verb has `form`, `change`, `done` and `texts`, and its page is served by
    users/verbs/verb_page.py. A verb with another page has its own `view`.
    """

    name: str
    # Its path below /users/<id>/, such as "suspension/" or "suspension/end/".
    path: str

    # --- access ---
    # The action of users/access.py that the verb requires. Verbs may share one.
    action: str
    # The codename of the action's permission; empty if another verb declares it.
    permission: str = ""
    permission_label: str = ""
    permission_model: str = "user"
    # The roles that get the permission when it is created.
    roles: tuple[str, ...] = ()
    # Whether people may apply it to their own account.
    on_own_account: bool = False
    # Whether people first confirm who they are (users/sudo/).
    sudo: bool = False
    # Whether it only reads, so the rank of the account does not matter.
    read_only: bool = False

    # What makes it impossible for an account, in the order in which it is said.
    obstacles: tuple[Obstacle, ...] = ()

    # --- audit trail ---
    event: str
    event_label: str
    # Labels of further events that the functions in the folder record.
    more_events: Mapping[str, str] = field(default_factory=dict)

    # --- link on the account's page (see VerbLink) ---
    label: str
    icon: str = ""
    offered_in: tuple[State, ...] = ()
    condition: Callable[[User], bool] = lambda account: True
    menu: str = ""
    button_style: str = ""
    in_last_section: bool = False
    key: str = ""
    more_links: tuple[VerbLink, ...] = ()

    # --- page ---
    # The function in verb.py. It takes the account, `by` and the values of the form.
    change: Callable[..., User]
    form: type[VerbForm] = VerbForm
    # The success message, with {name}, {email}, {state}, {until} and the chosen {roles}.
    done: str = ""
    texts: PageTexts | None = None
    # Whether the button that confirms is red.
    dangerous: bool = False
    # Whether the page shows the impact on sessions, emails, jobs and roles.
    impact: bool = False
    # Whether the page shows why the account is suspended or deleted.
    shows_status: bool = False
    template: str = VERB_TEMPLATE
    view: Callable[..., HttpResponse] | None = None
    more_urls: tuple[URLPattern, ...] = ()

    bulk: type[BulkAction] | None = None

    @property
    def url_name(self) -> str:
        """The name of its URL: "account-suspension-end" for the path "suspension/end/"."""
        return "account-" + self.path.strip("/").replace("/", "-")

    @property
    def links(self) -> tuple[VerbLink, ...]:
        """All links on the account's page; empty if only other pages link to the verb."""
        if not self.offered_in:
            return self.more_links
        own = VerbLink(
            label=self.label,
            offered_in=self.offered_in,
            condition=self.condition,
            menu=self.menu,
            button_style=self.button_style,
            in_last_section=self.in_last_section,
            key=self.key,
        )
        return (own, *self.more_links)

    @property
    def button_icon(self) -> str:
        """The icon on the button that confirms."""
        if self.texts and self.texts.button_icon:
            return self.texts.button_icon
        return self.icon
