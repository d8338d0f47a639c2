"""The navigation: the rooms that a viewer may enter."""

from dataclasses import dataclass

from users import access


@dataclass(frozen=True)
class Room:
    """An entry of the navigation, for those who may do `action`."""

    name: str
    url: str
    icon: str
    action: str
    # The letter that opens it after a "g" (static/scripts/keys.js).
    key: str


ROOMS = [
    Room(
        name="Dashboard",
        url="/",
        icon="dashboard",
        action="view",
        key="h",
    ),
    Room(
        name="Directory",
        url="/users/",
        icon="directory",
        action="view",
        key="d",
    ),
    Room(
        name="Login doctor",
        url="/users/doctor/",
        icon="doctor",
        action="view",
        key="l",
    ),
    Room(
        name="Audit trail",
        url="/audit/",
        icon="audit",
        action="view_audit",
        key="a",
    ),
    Room(
        name="Email",
        url="/mail/",
        icon="mail",
        action="view",
        key="o",
    ),
    Room(
        name="Jobs",
        url="/jobs/",
        icon="jobs",
        action="view_jobs",
        key="j",
    ),
    Room(
        name="Imports",
        url="/imports/",
        icon="upload",
        action="import",
        key="i",
    ),
    Room(
        name="Exports",
        url="/exports/",
        icon="download",
        action="export",
        key="e",
    ),
    Room(
        name="Staff",
        url="/staff/",
        icon="person",
        action="view_roles",
        key="r",
    ),
    Room(
        name="Status",
        url="/status/",
        icon="speed",
        action="view_status",
        key="s",
    ),
]
ROOM_ACTIONS = {room.action for room in ROOMS}

# Pages on which the navigation differs from that of other pages in the same room.
PATHS_OF_THEIR_OWN = {"/users/", "/audit/", "/me/"}


# What the request for the viewer's own parts of a page asks for, by path.
SAVED_VIEWS_QUERIES = {
    "/users/": "?views=directory",
    "/audit/": "?views=audit",
}


def navigation_context(request) -> dict[str, object]:
    """Returns the context of the navigation; without rooms for viewers who may not enter them."""
    path = request.path if request.path in PATHS_OF_THEIR_OWN else ""
    user = getattr(request, "user", None)
    if user is None or not access.may_enter(user):
        return {"navigation_key": path}
    permitted = access.permitted_actions(user, ROOM_ACTIONS)
    rooms = [room for room in ROOMS if room.action in permitted]
    current = current_room(request.path)
    sees_status = "view_status" in permitted
    return {
        "rooms": rooms,
        "current_room": current,
        "sees_status": sees_status,
        "saved_views_query": SAVED_VIEWS_QUERIES.get(request.path, ""),
        # Everything that the navigation depends on.
        "navigation_key": (path, [room.url for room in rooms], current, sees_status),
    }


def current_room(path: str) -> str:
    """Returns the URL of the innermost room that the path lies in; "" if it lies in none."""
    if path.startswith("/waiting/"):
        return "/"
    rooms = [room.url for room in ROOMS if path.startswith(room.url) and room.url != "/"]
    return max(rooms, key=len, default="/" if path == "/" else "")
