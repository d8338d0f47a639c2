"""Refusals of verbs and of the access check as SCIM errors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from scim2_models import (
    ForbiddenException,
    InvalidValueException,
    SCIMException,
    UniquenessException,
)

from users.access import Denied
from users.audit.record import record_denial
from users.exceptions import EditConflict, VerbRefused
from users.privacy.reservations import RESERVED_MESSAGE
from users.scim.resources import LIST_ATTRIBUTES, NAME_ATTRIBUTES, SIMPLE_ATTRIBUTES
from users.verbs.profile_validation import (
    IN_BIN_EMAIL,
    IN_BIN_USERNAME,
    TAKEN_EMAIL,
    TAKEN_USERNAME,
)

TAKEN_MESSAGES = {TAKEN_EMAIL, TAKEN_USERNAME, IN_BIN_EMAIL, IN_BIN_USERNAME, RESERVED_MESSAGE}
NAME_PATHS = {column: f"name.{part}" for column, part in NAME_ATTRIBUTES.items()}
VALUE_PATHS = {column: f"{name}.value" for column, name in LIST_ATTRIBUTES.items()}
ATTRIBUTE_PATHS = SIMPLE_ATTRIBUTES | NAME_PATHS | VALUE_PATHS
# SQLite names the columns of an index on columns, and other indexes by their name.
UNIQUE_CONSTRAINTS = (
    "user_source_unique",
    "users_user.source_id",
    "user_username_unique",
    "user_email_unique",
)
TAKEN = "Another account has this userName, email or externalId."
# PostgreSQL's codes of a deadlock and of a lock that was not free in time.
LOCK_FAILURES = ("40P01", "55P03")
LOCKED = "Another request is changing the same users or groups. Try again."
log = logging.getLogger(__name__)


class MembersDenied(Denied):
    """A refused change of the members of a group. `members`: the IDs of the accounts."""

    def __init__(self, *refusal: Any, members: str):
        super().__init__(*refusal)
        self.members = members


class LockedException(SCIMException):
    """A refused operation on rows that another request has locked, or changed since they were
    read.
    """

    status = 503


@contextmanager
def scim_transaction(actor: Any) -> Iterator[None]:
    """Runs one operation in a transaction of its own. A refusal is raised as a
    SCIMException after the transaction was rolled back, and one by the access check is recorded.
    """
    try:
        with transaction.atomic():
            yield
    except SCIMException:
        raise
    except Denied as denied:
        record_denial(actor, denied)
        raise ForbiddenException(detail=denial_detail(denied)) from denied
    except ValidationError as error:
        raise invalid_value(error) from error
    except VerbRefused as refused:
        raise ForbiddenException(detail=refused.message) from refused
    except IntegrityError as error:
        raise taken_value(error) from error
    except EditConflict as conflict:
        # The library has compared the version that the client knows: it was the newest then.
        raise LockedException(detail=LOCKED) from conflict
    except OperationalError as error:
        raise locked_rows(error) from error
    except Exception:
        log.exception("A SCIM operation has failed.")
        raise


def denial_detail(denied: Denied) -> str:
    """Returns the reason of a refusal, with the accounts if it may be about some of several."""
    if isinstance(denied, MembersDenied):
        return f"members {denied.members}: {denied.reason}"
    return denied.reason


def taken_value(error: IntegrityError) -> SCIMException:
    """Returns the SCIM error of a value that another account has: also an ID in the source, and
    whatever another request has taken since it was checked. Raises any other error again.
    """
    if not any(name in str(error) for name in UNIQUE_CONSTRAINTS):
        raise error
    return UniquenessException(detail=TAKEN)


def locked_rows(error: OperationalError) -> SCIMException:
    """Returns the SCIM error of a deadlock, or of a lock that a dry run does not wait for. Raises
    any other error again.
    """
    if getattr(error.__cause__, "sqlstate", None) not in LOCK_FAILURES:
        log.exception("A SCIM operation has failed.")
        raise error
    log.warning("A SCIM operation was refused: %s", type(error.__cause__).__name__)
    return LockedException(detail=LOCKED)


def invalid_value(error: ValidationError) -> SCIMException:
    """Returns the SCIM error of invalid values, which names their attributes."""
    if not hasattr(error, "error_dict"):
        return InvalidValueException(detail=" ".join(error.messages))
    named = error.message_dict
    taken = any(TAKEN_MESSAGES.intersection(messages) for messages in named.values())
    sentences = [
        f"{ATTRIBUTE_PATHS.get(name, name)}: {' '.join(texts)}" for name, texts in named.items()
    ]
    kind = UniquenessException if taken else InvalidValueException
    return kind(detail=" ".join(sentences))
