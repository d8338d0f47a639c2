"""The viewer's preferences for the directory, stored in the row of their account.

Every request loads that row, so reading them costs no query. A change raises no version and records
no event. A stored value may be older than the code, so it is checked when it is read.
"""

from typing import Any

from django.db import transaction

from users.directory.columns import DEFAULT_COLUMNS, known_columns
from users.directory.filter import DEFAULT_SIZE, PAGE_SIZES
from users.models import User


def preferred_columns(viewer: User) -> tuple[str, ...]:
    """Returns the chosen columns in order, without the name, which is always first."""
    return known_columns(stored_preferences(viewer).get("columns"))


def preferred_size(viewer: User) -> int:
    """Returns the number of accounts per page for URLs without `size`."""
    chosen = stored_preferences(viewer).get("size")
    return chosen if type(chosen) is int and chosen in PAGE_SIZES else DEFAULT_SIZE


def choose_columns(viewer: User, names: tuple[str, ...]) -> None:
    """Stores the chosen columns."""
    store_preference(viewer, "columns", None if names == DEFAULT_COLUMNS else list(names))


def choose_size(viewer: User, chosen: int) -> None:
    """Stores the chosen number of accounts per page."""
    store_preference(viewer, "size", None if chosen == DEFAULT_SIZE else chosen)


def stored_preferences(viewer: User) -> dict[str, Any]:
    """Returns the stored preferences; {} if the row holds anything but an object."""
    return viewer.preferences if isinstance(viewer.preferences, dict) else {}


def store_preference(viewer: User, name: str, value: Any) -> None:
    """Stores one preference. None removes it, so that the default applies even after it changes."""
    with transaction.atomic():
        locked = User.objects.select_for_update(of=("self",))
        row = locked.only("pk", "preferences").get(pk=viewer.pk)
        preferences = {key: other for key, other in stored_preferences(row).items() if key != name}
        viewer.preferences = preferences if value is None else preferences | {name: value}
        User.objects.filter(pk=viewer.pk).update(preferences=viewer.preferences or None)
