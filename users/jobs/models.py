"""What the workers leave behind."""

from django.db import models
from django.utils import timezone


class WorkerBeat(models.Model):
    """One row per cluster: the last time that a task of ours ran there."""

    cluster = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.cluster
