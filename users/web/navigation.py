"""The rooms in the left rail that the viewer may enter."""

from dataclasses import dataclass

from users import access


@dataclass(frozen=True)
class Room:
    name: str
    url: str
    icon: str
    action: str


ROOMS = [
    Room("Directory", "/users/", "directory", "view"),
    Room("Audit trail", "/audit/", "audit", "view_audit"),
    Room("Jobs", "/jobs/", "jobs", "view_jobs"),
    Room("Exports", "/exports/", "download", "export"),
    Room("System", "/caching/", "speed", "view_caching"),
]


def navigation_context(request) -> dict[str, object]:
    user = getattr(request, "user", None)
    if user is None or not access.may_enter(user):
        return {}
    return {
        "rooms": [room for room in ROOMS if access.may(user, room.action)],
        "sees_caching": access.may(user, "view_caching"),
    }
