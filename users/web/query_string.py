"""Checks the parameters of a query string. Errors name the parameter; nothing is guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from urllib.parse import urlencode

from django.http import QueryDict
from django.shortcuts import redirect

from users.exceptions import BadParameter, BadRequest
from users.identifiers import LARGEST_ID
from users.web.partials import View, is_htmx_request


def drops_empty_parameters(view: View) -> View:
    """Makes a view redirect to the URL without the empty parameters that a form sends if scripts
    are off. HTMX is answered at once, since a response tells it which URL to show.
    """

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        empty = [name for name, values in request.GET.lists() if values == [""]]
        if not empty or is_htmx_request(request):
            return view(request, *args, **kwargs)
        given = request.GET.copy()
        for name in empty:
            del given[name]
        query = given.urlencode()
        return redirect(f"{request.path}?{query}" if query else request.path)

    return wrapper


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
