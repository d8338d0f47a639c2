"""Saved views: filters that staff keep under a name."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

NAME_MAX = 60
QUERY_MAX = 4000


class ViewPage(models.TextChoices):
    DIRECTORY = "directory", "Directory"
    TRAIL = "audit", "Audit trail"


class SavedView(models.Model):
    """A filter of a page under a name, private or shared with everyone who may see the page.

    `query` is the canonical text of the page's filter (users/directory/saved_view_pages.py). It is
    parsed whenever the view is opened, so relative dates stay relative, and a filter that no longer
    exists is noticed.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    page = models.CharField(
        max_length=10,
        choices=ViewPage,
        default=ViewPage.DIRECTORY,
        db_default=ViewPage.DIRECTORY,
    )
    name = models.CharField(max_length=NAME_MAX)
    query = models.CharField(max_length=QUERY_MAX, blank=True)
    shared = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(
        default=1, help_text="Place among the owner's views"
    )
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(
        default=1, help_text="Raised by every change: optimistic lock"
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="view_name_unique"),
            models.CheckConstraint(name="view_name_present", condition=~Q(name="")),
        ]
        indexes = [
            models.Index(
                fields=["name", "id"],
                name="view_shared",
                condition=Q(shared=True),
            )
        ]

    def __str__(self) -> str:
        return self.name
