"""The lists whose filters people save as views: the directory and the audit trail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from users import access, masking
from users.audit.trail.filter import PATH as TRAIL_PATH
from users.audit.trail.filter import TrailFilter
from users.directory.days import DAY_FILTERS, add_utc_to_days
from users.directory.filter import BadFilter, Filter
from users.directory.models import ViewPage


@dataclass(frozen=True, kw_only=True)
class SavedViewPage:
    """A list, and how its filter is read from a query string."""

    name: ViewPage
    label: str
    path: str
    # The page that saves the filter in its query string.
    new_path: str
    # The action of users/access.py that the list requires.
    action: str
    # Takes a query string and the viewer. Raises BadParameter.
    read: Callable[[QueryDict, Any], Any]
    # The filters that take a day.
    day_filters: tuple[str, ...]

    def read_stored(self, query: str, viewer: Any) -> Any:
        """Returns the filter in a query string that was stored. Raises BadParameter."""
        return self.read(add_utc_to_days(QueryDict(query), self.day_filters), viewer)


def read_directory_filter(query: QueryDict, viewer: Any) -> Filter:
    """Raises BadFilter for a mistake, and for a pasted list, which a view outlives."""
    masked = masking.hides_personal_data(viewer)
    wanted = Filter.parse(query, masked=masked, viewer_id=viewer.pk)
    if wanted.is_personal:
        message = "Lists are removed after some days, so a view can’t contain one."
        raise BadFilter("list", message)
    return wanted


def read_trail_query(query: QueryDict, viewer: Any) -> TrailFilter:
    return TrailFilter.parse(query, masked=masking.hides_personal_data(viewer))


SAVED_VIEW_PAGES = {
    ViewPage.DIRECTORY: SavedViewPage(
        name=ViewPage.DIRECTORY,
        label="Directory",
        path="/users/",
        new_path="/users/views/new/",
        action="view",
        read=read_directory_filter,
        day_filters=DAY_FILTERS,
    ),
    ViewPage.TRAIL: SavedViewPage(
        name=ViewPage.TRAIL,
        label="Audit trail",
        path=TRAIL_PATH,
        new_path="/users/views/new/audit/",
        action="view_audit",
        read=read_trail_query,
        day_filters=("from", "to"),
    ),
}


def permitted_pages(viewer: Any) -> list[ViewPage]:
    """Returns the pages that the viewer may open."""
    return [name for name, page in SAVED_VIEW_PAGES.items() if access.may(viewer, page.action)]
