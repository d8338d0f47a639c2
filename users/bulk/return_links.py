"""Links from the pages of a selection back to the list that the ticks come from. They are for
browsers without JavaScript; with it, the tab remembers the list.
"""

from django.http import QueryDict

from users.bulk.selection import Selection
from users.directory.selection_bar import TICKED
from users.web.same_origin import referring_path


def return_url(request, selection: Selection) -> str:
    """Returns the list that the ticks come from, with its filter and page. Where a browser names
    none, the list of the selection.
    """
    return ticked_list(referring_path(request), selection) or selection.list_url


def originating_list_url(request, selection: Selection) -> str:
    """Returns the list on which an action was chosen for ticked rows, with its filter and page; ""
    if it was chosen elsewhere. A form that was sent names it.
    """
    return ticked_list(request.POST.get("list", "") or referring_path(request), selection)


def ticked_list(page: str, selection: Selection) -> str:
    """Returns a page of the directory with the ticks of the selection; "" for another page, or if
    the selection is a filter.
    """
    path, _, query = page.partition("?")
    if selection.filter or path != "/users/":
        return ""
    kept = QueryDict(query, mutable=True)
    kept.setlist(TICKED, [str(pk) for pk in selection.ids])
    return f"{path}?{kept.urlencode()}"
