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


ROOMS = [
    Room(
        name="Directory",
        url="/users/",
        icon="directory",
        action="view",
    ),
    Room(
        name="Audit trail",
        url="/audit/",
        icon="audit",
        action="view_audit",
    ),
    Room(
        name="Jobs",
        url="/jobs/",
        icon="jobs",
        action="view_jobs",
    ),
    Room(
        name="Exports",
        url="/exports/",
        icon="download",
        action="export",
    ),
    Room(
        name="System",
        url="/caching/",
        icon="speed",
        action="view_caching",
    ),
]


def navigation_context(request) -> dict[str, object]:
    """Context processor of the navigation. Adds nothing for viewers without back-office access."""
    user = getattr(request, "user", None)
    if user is None or not access.may_enter(user):
        return {}
    return {
        "rooms": [room for room in ROOMS if access.may(user, room.action)],
        "sees_caching": access.may(user, "view_caching"),
    }
