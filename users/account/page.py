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
from users.account.tabs import TAB_BY_NAME, tab_links
from users.caching import pages
from users.caching.generation import ACCOUNTS, AUDIT, ROLES
from users.caching.pages import BuiltPage
from users.models import User
from users.permissions import load_permissions
from users.web import account_lookup, partials

TabContent = Callable[[Any, User, dict[str, Any]], dict[str, Any]]


def cached_tab(request, pk: int, name: str, content: TabContent) -> HttpResponse:
    """Responds with a tab that is cached for all viewers with the same permissions.

    There is a separate copy for the account's owner. `content(request, account, shell)` returns the
    context of the tab's template, where `shell` is the context of the page around it. The tab may
    show only data whose changes raise the generation of accounts, roles or events, and no form that
    needs a token.
    """
    access.require(request.user, "view")

    def view(request) -> BuiltPage:
        return render_tab(request, get_page_account(request, "view", pk), name, content)

    return pages.cached_page(
        request,
        view,
        generations=(ACCOUNTS, ROLES, AUDIT),
        audience=request.user.pk == pk,
    )


def uncached_tab(
    request, account: User, name: str, content: TabContent, *, status: int = 200
) -> HttpResponse:
    """Responds with a tab that is built for each request.

    It may show the viewer's own data, and data whose changes raise no generation.
    """
    return render_tab(request, account, name, content, status).response


def render_tab(
    request, account: User, name: str, content: TabContent, status: int = 200
) -> BuiltPage:
    """Renders the whole page, or its part from the header down for HTMX."""
    tab = TAB_BY_NAME[name]
    context = page_context(request, account)
    context |= content(request, account, context)
    context |= {"tab": tab, "tab_links": tab_links(account.pk, tab)}
    return BuiltPage(
        render(request, tab.template, context, status=status), account.next_state_change
    )


def page_context(request, account: User) -> dict[str, Any]:
    """Returns the context of users/account/page.html."""
    # Loaded first, because access.allowed_actions reads the permissions of the account too.
    permissions = load_permissions(account)
    return {
        "base": "partial.html" if partials.is_partial(request) else "base.html",
        "account": account,
        "permissions": permissions,
        "may": dict.fromkeys(access.allowed_actions(request.user, account), True),
        "masked": masking.hides_personal_data(request.user),
        "reveals_without_reason": request.user.has_perm(access.REVEAL_WITHOUT_REASON),
    }


def get_page_account(request, action: str, pk: int) -> User:
    """Returns the account with everything that the shell shows, masked for the viewer."""
    return account_lookup.get_account(request, action, pk, load=load_for_page)


def get_unmasked_page_account(request, action: str, pk: int) -> User:
    """Returns the account unmasked, for code that compares values; never for a template."""
    return account_lookup.get_unmasked_account(request, action, pk, load=load_for_page)
