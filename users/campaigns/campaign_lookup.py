"""Loads the campaign that a URL names, after the permission check."""

from typing import Any

from django.shortcuts import get_object_or_404

from users import access
from users.campaigns.models import Campaign


def get_campaign(request: Any, pk: int, action: str = "") -> Campaign:
    """Returns a campaign with its letter. Raises Http404, or Denied if the viewer may not see the
    directory, or not do `action`.
    """
    access.require(request.user, "view")
    if action:
        access.require(request.user, action)
    campaigns = Campaign.objects.select_related("letter")
    return get_object_or_404(campaigns, pk=pk)
