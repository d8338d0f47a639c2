"""What `bin/run --debug` changes in requests, so that django-debug-toolbar can read them."""

from typing import Any

from debug_toolbar.middleware import show_toolbar

from users.database.postgresql.base import DatabaseWrapper
from users.signin.entry_rules import PUBLIC_PATHS


def shows_toolbar(request: Any) -> bool:
    """Returns whether the page gets the toolbar. Its panels require a signed-in viewer too."""
    return show_toolbar(request) and not request.path.startswith(PUBLIC_PATHS)


class InspectableMiddleware:
    """Leaves pages uncompressed, and sends all statements through the cursor that the toolbar
    watches: on PostgreSQL none is prepared.
    """

    def __init__(self, get_response: Any):
        self.get_response = get_response
        DatabaseWrapper.planned_cursor = plain_cursor  # type: ignore[method-assign]

    def __call__(self, request: Any) -> Any:
        request.META.pop("HTTP_ACCEPT_ENCODING", None)
        return self.get_response(request)


def plain_cursor(self: DatabaseWrapper, on_first_use: bool) -> Any:
    return self.cursor()
