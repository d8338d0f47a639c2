"""Who may enter which part of the site: public paths, one's own account, the back office."""

from typing import Any

from django.conf import settings

from users import access
from users.audit.origin import PROBE_PATHS
from users.oidc.provider_factor import lacks_factor
from users.sessions.local_sign_in import must_use_provider

PUBLIC_PATHS = (
    "/login/",
    "/password/",
    "/email/",
    "/signup/",
    "/inactive/",
    "/mail/events/",
    "/unsubscribe/",
    # Programs have a token instead of a session.
    "/audit/log/",
    "/api/v1/",
    "/scim/v2/",
    "/ssf/",
    "/.well-known/ssf-configuration",
    "/.well-known/security.txt",
    *PROBE_PATHS,
)
ANY_ACCOUNT_PATHS = ("/me/", "/sudo/", "/logout/")
# The only paths open to somebody who must choose a new password first.
PASSWORD_CHANGE_PATHS = ("/me/password/", "/logout/")

# The only paths open to somebody who must set up a second factor first.
SECOND_FACTOR_PATHS = ("/me/second-factor/", "/sudo/", "/logout/")


def entry_redirect(request) -> str:
    """Returns the path that the viewer has to go to first; "" if the path is open to them. Raises
    Denied.
    """
    path = request.path_info
    if path.startswith(PUBLIC_PATHS):
        return ""
    if not request.user.is_authenticated:
        return settings.LOGIN_URL
    if must_choose_password(request.user) and not path.startswith(PASSWORD_CHANGE_PATHS):
        return PASSWORD_CHANGE_PATHS[0]
    open_paths = (*SECOND_FACTOR_PATHS, *PASSWORD_CHANGE_PATHS)
    if not path.startswith(open_paths) and lacks_factor(request):
        return SECOND_FACTOR_PATHS[0]
    if path.startswith(ANY_ACCOUNT_PATHS) or access.may_enter(request.user):
        return ""
    if path == "/":
        return ANY_ACCOUNT_PATHS[0]
    raise access.Denied("enter", "Only active staff may use the back office.")


def must_choose_password(viewer: Any) -> bool:
    return bool(viewer.must_change_password) and not must_use_provider(viewer)
