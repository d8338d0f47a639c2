"""Who may enter which part of the site: public paths, one's own account, the back office."""

from django.conf import settings

from users import access
from users.audit.origin import PROBE_PATHS
from users.factors.policy import second_factor_required

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
    if request.user.must_change_password and not path.startswith(PASSWORD_CHANGE_PATHS):
        return PASSWORD_CHANGE_PATHS[0]
    open_paths = (*SECOND_FACTOR_PATHS, *PASSWORD_CHANGE_PATHS)
    if not path.startswith(open_paths) and second_factor_required(request.user):
        return SECOND_FACTOR_PATHS[0]
    if path.startswith(ANY_ACCOUNT_PATHS) or access.may_enter(request.user):
        return ""
    if path == "/":
        return ANY_ACCOUNT_PATHS[0]
    raise access.Denied("enter", "Only active staff may use the back office.")
