"""Checks the parameters of a query string. Errors name the parameter; nothing is guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from django.http import QueryDict

from users.exceptions import BadParameter, BadRequest
from users.identifiers import LARGEST_ID


@contextmanager
def refuse_bad_parameters(back: str) -> Iterator[None]:
    """Turns a BadParameter of the block into a BadRequest: a 400 page that links to `back`."""
    try:
        yield
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=back) from error


def check_parameters(
    query: QueryDict,
    *names: str,
    lists: tuple[str, ...] = (),
    unknown: str = "This parameter is unknown.",
    repeated: str = "This parameter is given more than once.",
) -> None:
    """Raises BadParameter for a parameter that is neither in `names` nor in `lists`, or is given
    more than once and is not in `lists`. `unknown` and `repeated` are the messages.
    """
    for name, values in query.lists():
        if name not in names and name not in lists:
            raise BadParameter(name, unknown)
        if len(values) > 1 and name not in lists:
            raise BadParameter(name, repeated)


def parse_id_parameter(name: str, value: str, message: str = "") -> int:
    """Returns an id, or 0 for an empty value. Raises BadParameter with `message`."""
    if not value:
        return 0
    if not is_id_text(value):
        raise BadParameter(name, message or f"{name} must be a whole number greater than 0.")
    return int(value)


def is_id_text(value: str) -> bool:
    """Returns whether the text is a number that the ids of a table can reach."""
    digits = value.isascii() and value.isdigit() and len(value) < 20
    return digits and 0 < int(value) <= LARGEST_ID


def url_with_query(path: str, **values: object) -> str:
    """Returns `path` with a query string of the values that are neither empty nor 0."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path
