"""The headings of the table, each linked to its sort order."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

from users.directory.columns import COLUMNS, DEFAULT_COLUMNS, NAME_COLUMN, Column
from users.directory.filter import REVEALING_SORTS, Filter
from users.directory.links import aria_sort, sort_url
from users.web.icons import icon_svg

TICK_ALL_HTML = (
    '<label class="tick scripts">'
    '<input type="checkbox" id="tick-page" aria-label="Select all on this page"></label>'
)
# A table with more columns, not counting the name, scrolls sideways.
MANY_COLUMNS = 7


def table_headings(
    wanted: Filter, names: Iterable[str] = DEFAULT_COLUMNS, *, tickable: bool = True
) -> SafeString:
    """Returns a `th` for the name and for each column of `names`.

    A sortable heading links to its order, or to the reverse if the list already has it.
    """
    name = column_heading(wanted, NAME_COLUMN)
    if tickable:
        name = name.replace(">", f">{TICK_ALL_HTML}", 1)
    others = [column_heading(wanted, COLUMNS[other]) for other in names]
    return SafeString("".join([name, *others]))


def column_heading(wanted: Filter, column: Column) -> str:
    """Returns one `th`.

    Built without a template: as template code, six headings took as long as twenty rows.
    """
    label = column.label
    sort = "" if wanted.masked and column.sort in REVEALING_SORTS else column.sort
    direction = aria_sort(wanted, sort) if sort else ""
    if sort:
        url = escape(sort_url(wanted, sort))
        arrow = icon_svg(direction) if direction else ""
        label = f'<a id="sort-{sort}" href="{url}" hx-get="{url}">{label}{arrow}</a>'
    sorted_by = f' aria-sort="{direction}"' if direction else ""
    return f'<th scope="col" class="{column.css}"{sorted_by}>{label}</th>'


def table_class(names: tuple[str, ...]) -> str:
    """Returns the CSS class of a table; "" for the default columns."""
    if set(names) == set(DEFAULT_COLUMNS):
        return ""
    return "chosen many" if len(names) > MANY_COLUMNS else "chosen"
