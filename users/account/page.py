"""The shell of an account's page around every tab: header, actions and tab bar.

A tab answers with the whole page, or for HTMX with everything from the header down, so the shell
is never older than the tab.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from users import access, masking
from users.account.account_query import load_for_page
from users.account.tabs import TAB_BY_NAME, TABS
from users.caching import pages
from users.caching.generation import ACCOUNTS, AUDIT, ROLES
from users.caching.pages import BuiltPage
from users.models import User
from users.permissions import load_permissions
from users.web import account_lookup, partials

TabContent = Callable[[Any, User, dict[str, Any]], dict[str, Any]]


def cached_tab(
    request, pk: int, name: str, content: TabContent, *, shows: tuple[str, ...] = ()
) -> HttpResponse:
    """A tab that is the same for everybody with these permissions, but for the account's owner:
    kept for all of them.

    `content(request, account, frame)` gives what its template needs. It may show what raises the
    generations of accounts, roles, events, or one of `shows`; and no form that needs a token.
    """
    access.require(request.user, "view")

    def view(request) -> BuiltPage:
        return render_tab(request, get_page_account(request, "view", pk), name, content)

    return pages.cached_page(
        request,
        view,
        generations=(ACCOUNTS, ROLES, AUDIT, *shows),
        audience=request.user.pk == pk,
    )


def uncached_tab(
    request, account: User, name: str, content: TabContent, *, status: int = 200
) -> HttpResponse:
    """A tab that is built for each request, since it shows what raises no generation, or something
    of the viewer.
    """
    return render_tab(request, account, name, content, status).response


def render_tab(
    request, account: User, name: str, content: TabContent, status: int = 200
) -> BuiltPage:
    tab = TAB_BY_NAME[name]
    context = page_context(request, account)
    context |= content(request, account, context) | {"tab": tab}
    return BuiltPage(render(request, tab.template, context, status=status), account.next_turn)


def page_context(request, account: User) -> dict[str, Any]:
    """Returns the context of users/account/frame.html."""
    rights = load_permissions(account)  # before the gate is asked
    return {
        "base": "part.html" if partials.is_partial(request) else "base.html",
        "account": account,
        "rights": rights,
        "tabs": TABS,
        "may": dict.fromkeys(access.allowed_actions(request.user, account), True),
        "masked": masking.hides_personal_data(request.user),
        "at_once": request.user.has_perm(access.REVEAL_WITHOUT_REASON),
    }


def get_page_account(request, action: str, pk: int) -> User:
    """Returns the account with everything that its page shows around a tab, masked if needed."""
    return account_lookup.get_account(request, action, pk, load=load_for_page)


def get_unmasked_page_account(request, action: str, pk: int) -> User:
    """Returns the account as it is, for code that compares values; never for a template."""
    return account_lookup.get_unmasked_account(request, action, pk, load=load_for_page)
