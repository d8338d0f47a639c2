"""The first tab of an account's page: the profile and the latest events."""

from django.views.decorators.http import require_safe

from users.account import page
from users.account.profile_tab import profile_content
from users.caching.replica import reads_replica


@require_safe
@reads_replica
def show(request, pk: int):
    return page.cached_tab(request, pk, "account", profile_content)
