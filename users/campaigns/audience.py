"""The recipients of a campaign: a selection without its moment, which is chosen at the start."""

from typing import Any

from django.http import QueryDict

from users import masking
from users.bulk.selection import Selection
from users.directory.days import add_utc_to_days
from users.directory.filter import BadFilter
from users.directory.models import SavedView
from users.directory.saved_searches import saved_filter

ALL_ACCOUNTS = "all=1"
HIDDEN_FILTER = "A filter that you may not see"


def read_audience(query: str, viewer: Any, moment: QueryDict | None = None) -> Selection:
    """Returns the stored selection, as of now or with the `up_to` and `at` of another query.

    Raises BadFilter if the filter is not valid, or reveals what the viewer may not see.
    """
    wanted = add_utc_to_days(QueryDict(query)).copy()
    if moment and "all" in wanted:
        for name in ("up_to", "at"):
            if name in moment:
                wanted[name] = str(moment[name])
    masked = masking.hides_personal_data(viewer)
    return Selection.parse(wanted, masked=masked, viewer_id=viewer.pk)


def audience_query(selection: Selection) -> str:
    """Returns the query of a selection as campaigns store it."""
    if selection.filter is None:
        return selection.query
    return "&".join(filter(None, [ALL_ACCOUNTS, selection.filter.query]))


def view_query(view: SavedView, viewer: Any) -> str:
    """Returns the query for the filter of a saved view. Raises BadFilter."""
    wanted = saved_filter(view, viewer)
    return "&".join(filter(None, [ALL_ACCOUNTS, wanted.query]))


def describe_audience(query: str, viewer: Any) -> str:
    """Returns the stored selection in words that the viewer may read."""
    try:
        words = read_audience(query, viewer).words
    except BadFilter:
        return HIDDEN_FILTER
    return words[:1].upper() + words[1:]


def audience_url(query: str, viewer: Any) -> str:
    """Returns the page of the selection; "" if the viewer may not see it, or if its filter may hold
    an address that is masked for them.
    """
    if masking.hides_personal_data(viewer) and query.startswith(ALL_ACCOUNTS):
        return ""
    try:
        return read_audience(query, viewer).url
    except BadFilter:
        return ""
