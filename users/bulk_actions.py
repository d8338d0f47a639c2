"""Registers the bulk forms of the verbs, in the order in which pages offer them."""

from users.bulk.registry import register_action
from users.transfer.export_action import ExportAccounts
from users.verbs.deletion.bulk import Delete
from users.verbs.end_date.bulk import SetEndDate
from users.verbs.end_date_removal.bulk import ClearEndDate
from users.verbs.erasure.bulk import Erase
from users.verbs.letter.bulk import WriteLetter
from users.verbs.password_change.bulk import RequirePasswordChange
from users.verbs.password_reset.bulk import SendPasswordReset
from users.verbs.profile.bulk import SetAttribute
from users.verbs.reinstatement.bulk import Reinstate
from users.verbs.restoration.bulk import Restore
from users.verbs.role_addition.bulk import AddToGroups
from users.verbs.role_removal.bulk import RemoveFromGroups
from users.verbs.session_end.bulk import EndSessions
from users.verbs.suspension.bulk import Suspend
from users.verbs.verification.bulk import VerifyEmail
from users.verbs.verification_email.bulk import SendVerification

for action in (
    Suspend,
    Reinstate,
    WriteLetter,
    ExportAccounts,
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
    register_action(action())
