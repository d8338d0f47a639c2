"""Reads the filter from a request."""

from users import masking
from users.directory.filter import BadFilter, Filter
from users.web.query_string import refuse_bad_parameters


def request_filter(request, **defaults) -> Filter:
    """Returns the filter in the URL. Raises BadRequest, whose page names the parameter."""
    masked = masking.hides_personal_data(request.user)
    with refuse_bad_parameters(back="/users/"):
        return Filter.parse(
            request.GET,
            masked=masked,
            viewer_id=request.user.pk,
            **defaults,
        )


def read_request_filter(request, **defaults) -> tuple[Filter, list[BadFilter]]:
    """Returns the filter in the URL without the values that were mistyped, and their errors. Raises
    BadRequest for what no form sends.
    """
    masked = masking.hides_personal_data(request.user)
    with refuse_bad_parameters(back="/users/"):
        return Filter.read(
            request.GET,
            masked=masked,
            viewer_id=request.user.pk,
            **defaults,
        )


def list_owner(request) -> int | None:
    """Returns the account of the viewer if the filter in the URL names a pasted list, which makes
    a page theirs alone; else None.
    """
    names_list = "list" in request.GET or "list:" in request.GET.get("q", "").lower()
    return request.user.pk if names_list else None
