"""How a person likes the directory: kept in their own account's row, which every request loads
anyway.

Soft: raises no version and leaves no event. Whatever stands there is read with care; it may be
older than the code.
"""

from typing import Any

from django.db import transaction

from users.directory.columns import DEFAULT_COLUMNS, known_columns
from users.directory.filter import DEFAULT_SIZE, PAGE_SIZES
from users.models import User


def preferred_columns(viewer: User) -> tuple[str, ...]:
    """Names of columns, in order, without the name that always stands first."""
    return known_columns(stored_preferences(viewer).get("columns"))


def preferred_size(viewer: User) -> int:
    """Accounts per page, where the address does not say."""
    chosen = stored_preferences(viewer).get("size")
    return chosen if type(chosen) is int and chosen in PAGE_SIZES else DEFAULT_SIZE


def choose_columns(viewer: User, names: tuple[str, ...]) -> None:
    store_preference(viewer, "columns", None if names == DEFAULT_COLUMNS else list(names))


def choose_size(viewer: User, chosen: int) -> None:
    store_preference(viewer, "size", None if chosen == DEFAULT_SIZE else chosen)


def stored_preferences(viewer: User) -> dict[str, Any]:
    return viewer.preferences if isinstance(viewer.preferences, dict) else {}


def store_preference(viewer: User, name: str, value: Any) -> None:
    """None: whatever is the default, also when that changes."""
    with transaction.atomic():
        row = (
            User.objects.select_for_update(of=("self",)).only("pk", "preferences").get(pk=viewer.pk)
        )
        preferences = {key: other for key, other in stored_preferences(row).items() if key != name}
        viewer.preferences = preferences if value is None else preferences | {name: value}
        User.objects.filter(pk=viewer.pk).update(preferences=viewer.preferences or None)
