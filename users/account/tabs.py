"""The tabs of an account's page.

A new tab takes a line here, a view whose URL has its name, and a template that extends
users/account/page.html.
"""

from dataclasses import dataclass


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
