"""The view of all paths below /scim/v2/, which loads the service with the first request.

The models of SCIM take half a second to import. Most processes never need them: commands, workers,
and web processes without an identity provider.
"""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from users.web.form_size import OWN_LIMIT, limit_form


@csrf_exempt
@limit_form(OWN_LIMIT)
def scim_endpoint(request: Any, path: str = "") -> HttpResponse:
    """Returns the response of the service."""
    from users.scim.views import serve_provisioning

    return serve_provisioning(request, path)
