"""Blanks a person's values in the audit trail. The hash chain stays valid."""

from users.audit.blanking import blank_events
from users.audit.former_values import delete_former_values
from users.audit.models import AuditEvent
from users.database.outside_record import OUTSIDE_ACTION
from users.forgetting import Erasure, forgets

# Actions of events without a target whose reason may name the actor.
ACTOR_REASON_ACTIONS = ("job.parked",)


@forgets(order=100)
def erase_events(erasure: Erasure) -> None:
    """Blanks values, names and origins. Events keep their time, their action, the ids of actor and
    target, and the names of the changed fields.
    """
    about = AuditEvent.objects.filter(target_id=erasure.account.pk)
    blank_events(about, "target")
    # A request without a signed-in user was most likely sent by this person.
    anonymous = about.filter(actor_id=None).exclude(ip=None, user_agent="")
    # The role of a database and its client are not this person.
    anonymous = anonymous.exclude(action=OUTSIDE_ACTION)
    blank_events(anonymous, "actor")
    done = AuditEvent.objects.filter(actor_id=erasure.account.pk)
    blank_events(done, "actor")
    # The reason of a stopped job may name its initiator, who is the actor.
    stopped = done.filter(action__in=ACTOR_REASON_ACTIONS, target_id=None)
    blank_events(stopped, "target")
    # Last: what fills the table from older events waits until these are blank.
    delete_former_values(erasure.account.pk)
