"""The bulk actions, one file each, in the order in which pages offer them."""

from users.bulk.action import offer
from users.bulk.actions.attribute import SetAttribute
from users.bulk.actions.delete import Delete
from users.bulk.actions.end_date import SetEndDate
from users.bulk.actions.end_date_end import ClearEndDate
from users.bulk.actions.end_sessions import EndSessions
from users.bulk.actions.erase import Erase
from users.bulk.actions.groups import AddToGroups, RemoveFromGroups
from users.bulk.actions.mails import SendPasswordReset, SendVerification
from users.bulk.actions.password_change import RequirePasswordChange
from users.bulk.actions.reinstate import Reinstate
from users.bulk.actions.restore import Restore
from users.bulk.actions.suspend import Suspend
from users.bulk.actions.verify_email import VerifyEmail
from users.bulk.actions.write import Write
from users.transfer.export_action import Export

for action in (
    Suspend,
    Reinstate,
    Write,
    Export,
    SetEndDate,
    ClearEndDate,
    AddToGroups,
    RemoveFromGroups,
    SendPasswordReset,
    RequirePasswordChange,
    SendVerification,
    VerifyEmail,
    EndSessions,
    SetAttribute,
    Restore,
    Delete,
    Erase,
):
    offer(action())
