"""The tabs of the pages of one's own account."""

from typing import Any

from users import access
from users.oidc.exchanges import is_enabled
from users.oidc.provider_factor import lacks_factor
from users.sessions.local_sign_in import must_use_provider
from users.signin.entry_rules import must_choose_password

TOKENS_TAB = ("/me/tokens/", "API tokens")


def own_account_tabs(request: Any) -> list[tuple[str, str]]:
    """Returns URL and label of each tab that the viewer may open; none while the viewer has to
    choose a password or set up a second factor first.
    """
    viewer = request.user
    if must_choose_password(viewer) or lacks_factor(request):
        return []
    tabs = [
        ("/me/", "Profile"),
        ("/me/sessions/", "Sessions"),
        ("/me/second-factor/", "Second factor"),
    ]
    if not must_use_provider(viewer):
        tabs.append(("/me/password/", "Password"))
    if is_enabled() and access.may_enter(viewer):
        tabs.append(("/me/single-sign-on/", "Single sign-on"))
    # Someone who may no longer create tokens can still revoke the old ones.
    if access.may(viewer, "create_token") or request.path == TOKENS_TAB[0]:
        tabs.append(TOKENS_TAB)
    if viewer.is_staff:
        tabs.append(("/me/use/", "Data use"))
    return tabs
