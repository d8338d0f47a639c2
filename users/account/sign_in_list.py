"""Lists the sessions of an account and the attempts to sign in to it."""

from typing import Any

from django.conf import settings
from django.http import QueryDict

from users.models import User
from users.oidc.exchanges import is_enabled
from users.oidc.links import link_of
from users.sessions import store
from users.sessions.models import SignInEvent
from users.web.paging import IdPage, newest_page
from users.web.query_string import check_parameters, parse_id_parameter

SIZE = 25  # attempts on a page


def sign_ins_page(account: User, query: QueryDict) -> dict[str, Any]:
    """Returns a page of attempts and the URLs of the next and the first one; the first page has the
    sessions too. Raises BadParameter.
    """
    check_parameters(query, "after")
    after = parse_id_parameter("after", query.get("after", ""))
    page = list_attempts(account.pk, after)
    found = {} if after else first_page_parts(account)
    return found | {"attempts": page.rows} | page.links(f"/users/{account.pk}/sign-ins/")


def first_page_parts(account: User) -> dict[str, Any]:
    return {
        "sessions": store.valid_sessions(account),
        "oidc_link": link_of(account),
        "provider": provider_name(account),
    }


def provider_name(account: User) -> str:
    """Returns the name of the provider with which the account can sign in; "" if it can't."""
    return settings.OIDC.name if is_enabled() and account.is_staff else ""


def list_attempts(account_id: int, after: int = 0) -> IdPage[SignInEvent]:
    """Returns a page of the attempts, newest first: a range of one index."""
    return newest_page(SignInEvent.objects.filter(account_id=account_id), SIZE, after)
