"""Checks the query string of an API request: nothing unknown, nothing twice."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict

from users import masking
from users.api.account_json import DETAIL_FIELDS, AccountField
from users.api.problems import bad_query
from users.api.request_body import nearest_hint
from users.directory.filter import ORDER_PARAMETERS, POSITION_PARAMETERS, Filter
from users.directory.filters import FILTERS
from users.web.query_string import check_parameters, parse_id_parameter

FIELDS_PARAMETER = "fields"
FILTER_PARAMETERS = ("q", *FILTERS)
LIST_PARAMETERS = (
    *FILTER_PARAMETERS,
    *ORDER_PARAMETERS,
    *POSITION_PARAMETERS,
    FIELDS_PARAMETER,
)


def require_parameters(query: QueryDict, known: Sequence[str]) -> None:
    """Raises ApiProblem for an unknown parameter, and BadParameter for one that is given more than
    once.
    """
    for name in query:
        if name not in known:
            hint = nearest_hint(name, list(known)) if known else ""
            raise bad_query(name, f"There is no parameter “{name[:60]}”.{hint}")
    check_parameters(query, *known)


def parse_fields(
    query: QueryDict, fields: dict[str, AccountField], default: tuple[str, ...]
) -> tuple[str, ...]:
    """Returns the names in `fields=`, in the order of the declarations. Raises ApiProblem."""
    text = query.get(FIELDS_PARAMETER, "")
    if not text:
        return default
    names = text.split(",")
    for name in names:
        if name in DETAIL_FIELDS and name not in fields:
            detail = f"Lists have no “{name}”. Read the account at its own URL."
            raise bad_query(FIELDS_PARAMETER, detail)
        if name not in fields:
            hint = nearest_hint(name, list(fields))
            raise bad_query(FIELDS_PARAMETER, f"There is no field “{name[:60]}”.{hint}")
    return tuple(name for name in fields if name in names)


def parse_filter(query: QueryDict, viewer: Any) -> Filter:
    """Returns the filter in the query. Raises BadFilter."""
    given = query.copy()
    for name in (*POSITION_PARAMETERS, FIELDS_PARAMETER):
        given.pop(name, None)
    return Filter.parse(
        given,
        masked=masking.hides_personal_data(viewer),
        viewer_id=viewer.pk,
    )


def parse_after_parameter(query: QueryDict, name: str = "after") -> int:
    """Returns the ID after which a page starts; 0 for the first page. Raises BadParameter."""
    return parse_id_parameter(name, query.get(name, ""))
