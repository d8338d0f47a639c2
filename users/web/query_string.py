"""Checks the parameters of a query string. Errors name the parameter; nothing is guessed."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import QueryDict

from users.exceptions import BadParameter, BadRequest
from users.identifiers import LARGEST_ID


@contextmanager
def bad_parameters_refused(back: str) -> Iterator[None]:
    """Raises BadRequest for a BadParameter of the block: a 400 page that links to `back`."""
    try:
        yield
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=back) from error


def check_parameters(query: QueryDict, *names: str, lists: tuple[str, ...] = ()) -> None:
    """Nothing, or BadParameter for one that is unknown, or given twice and not among `lists`."""
    for name, values in query.lists():
        if name not in names and name not in lists:
            raise BadParameter(name, "This parameter is unknown.")
        if len(values) > 1 and name not in lists:
            raise BadParameter(name, "This parameter is given more than once.")


def parse_id_parameter(name: str, value: str) -> int:
    """An id; 0 for "". Raises BadParameter."""
    if not value:
        return 0
    if (
        not (value.isascii() and value.isdigit() and len(value) < 20)
        or not 0 < int(value) <= LARGEST_ID
    ):
        raise BadParameter(name, f"{name} must be a whole number greater than 0.")
    return int(value)
