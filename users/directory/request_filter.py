"""From a request to a filter."""

from users import masking
from users.directory.filter import BadFilter, Filter
from users.exceptions import BadRequest


def request_filter(request, **defaults) -> Filter:
    """The filter in the URL. Raises BadRequest, which becomes a page that names the parameter."""
    try:
        return Filter.parse(
            request.GET, masked=masking.hides_personal_data(request.user), **defaults
        )
    except BadFilter as error:
        raise as_bad_request(error) from error


def as_bad_request(error: BadFilter) -> BadRequest:
    return BadRequest(error.parameter, error.message, back="/users/")
