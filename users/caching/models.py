"""Generations, which decide whether a cached page may still be shown, and figures of processes."""

from django.db import models


class Generation(models.Model):
    """A number that rises with every change. Triggers (users/database/triggers.py) raise it in the
    transaction of the change, whatever makes it.

    A name has several rows, its lanes: a writer takes one that nobody holds, so writers never wait
    for each other. All numbers of a name together count. None of them ever comes back, not even
    after a backup is restored, because a number is at least the time of its change in microseconds.
    """

    name = models.CharField(max_length=20)
    lane = models.IntegerField(default=0)
    number = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["name", "lane"], name="generation_lane_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class WebProcess(models.Model):
    """A web process reports here every few seconds how its pages were answered. Best effort; old
    rows are dropped.
    """

    name = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
