"""Alarms that were noticed, and a history of the figures on the page Status."""

from django.db import models


class AlarmRecord(models.Model):
    """An alarm that is raised, or was until a few minutes ago. Administrators got an email."""

    name = models.CharField(max_length=40, primary_key=True)
    since = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last raised")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class StatusSample(models.Model):
    """Figures at a time, one row a minute for a day (users/health/figures.py)."""

    at = models.DateTimeField(primary_key=True)
    figures = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
