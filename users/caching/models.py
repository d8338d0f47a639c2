"""Generations, which decide whether a cached page is current, and figures of web processes."""

from django.db import models


class Generation(models.Model):
    """A number that rises with every change.

    Triggers (users/database/triggers.py) raise it in the transaction of the change. A name has
    several rows, its lanes: a writer takes one that is not locked, so writers never wait for each
    other. The generation is the numbers of all lanes together. Numbers never repeat, not even after
    a backup is restored, because each is at least the time of its change in microseconds.
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
    """How a web process answered its requests, reported every few seconds.

    It is best effort, and old rows are deleted.
    """

    name = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
