"""Reads the filter from a request."""

from users import masking
from users.directory.filter import BadFilter, Filter
from users.exceptions import BadRequest


def request_filter(request, **defaults) -> Filter:
    """Returns the filter in the URL. Raises BadRequest, whose page names the parameter."""
    try:
        masked = masking.hides_personal_data(request.user)
        return Filter.parse(request.GET, masked=masked, **defaults)
    except BadFilter as error:
        raise as_bad_request(error) from error


def read_request_filter(request, **defaults) -> tuple[Filter, list[BadFilter]]:
    """Returns the filter in the URL without the values that were mistyped, and their errors. Raises
    BadRequest for what no form sends.
    """
    try:
        masked = masking.hides_personal_data(request.user)
        return Filter.read(request.GET, masked=masked, **defaults)
    except BadFilter as error:
        raise as_bad_request(error) from error


def as_bad_request(error: BadFilter) -> BadRequest:
    return BadRequest(error.parameter, error.message, back="/users/")
