"""The tabs of an account's page.

A new tab takes a line here, a view whose URL has its name, and a template that extends
users/account/page.html.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Tab:
    """One tab, or a page below a tab."""

    # The name of its URL.
    name: str
    label: str
    # Its path below /users/<id>/.
    path: str
    # The template, which extends users/account/page.html.
    template: str
    # The name of the tab that a subpage belongs to.
    parent: str = ""

    @property
    def key(self) -> str:
        return self.path.rstrip("/") or "profile"


TABS = (
    Tab("account", "Profile", "", "users/account/profile.html"),
    Tab("account-access", "Access", "access/", "users/account/access.html"),
    Tab("account-signins", "Sign-ins", "sign-ins/", "users/account/signins.html"),
    Tab("account-doctor", "Login doctor", "doctor/", "users/account/doctor.html"),
    Tab("account-mail", "Emails", "mail/", "users/account/mail.html"),
    Tab("account-notes", "Notes", "notes/", "users/account/notes.html"),
    Tab("account-activity", "Activity", "activity/", "users/account/activity.html"),
)
SUBPAGES = (
    Tab(
        "account-history",
        "History",
        "history/",
        "users/account/history.html",
        parent="account-activity",
    ),
)
TAB_BY_NAME = {tab.name: tab for tab in (*TABS, *SUBPAGES)}


class TabLink(NamedTuple):
    """A link to a tab. `current`: the value of its aria-current; "" if another tab is shown."""

    key: str
    label: str
    url: str
    current: str


def tab_links(account_id: int, shown: Tab) -> list[TabLink]:
    """Returns the links of the tabs of an account, of which one is shown."""
    links = []
    for tab in TABS:
        current = ""
        if tab.name == shown.name:
            current = "page"
        elif tab.name == shown.parent:
            current = "true"
        links.append(TabLink(tab.key, tab.label, f"/users/{account_id}/{tab.path}", current))
    return links
