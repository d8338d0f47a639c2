"""Requests of email providers about their events, with the fields that their documents show.

Each function returns what Django's test client posts: a body, its type and headers. `of`: the id of
our message, which travels as metadata; `to`: the recipient. Kinds: delivered, deferred, bounced,
blocked, complained, unsubscribed and opened.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
EPOCH = int(AT.timestamp())
ISO = "2026-11-28T12:00:00.000Z"
MAILGUN_KEY = "key-of-mailguns-signatures"
KINDS = ["delivered", "deferred", "bounced", "blocked", "complained", "unsubscribed", "opened"]
REPLY = "550 5.1.1 No such user"
Request = dict[str, Any]


def posted(body: object, **headers: str) -> Request:
    return {"data": json.dumps(body), "content_type": "application/json", "headers": headers}


def postmark(kind: str, of: str = "", to: str = "ada@example.com", **more: Any) -> Request:
    """https://postmarkapp.com/developer/webhooks/webhooks-overview"""
    number = 692560173 + KINDS.index(kind)
    bounce = {"RecordType": "Bounce", "ID": number, "Email": to, "BouncedAt": ISO}
    fields: dict[str, dict[str, Any]] = {
        "delivered": {
            "RecordType": "Delivery",
            "Recipient": to,
            "DeliveredAt": ISO,
            "Details": "250 2.0.0 OK",
        },
        "deferred": bounce | {"Type": "Transient", "TypeCode": 2, "Details": "451 Try later"},
        "bounced": bounce | {"Type": "HardBounce", "TypeCode": 1, "Details": REPLY},
        "blocked": bounce | {"Type": "SoftBounce", "TypeCode": 4096, "Details": "552 full"},
        "complained": bounce | {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
        "unsubscribed": {
            "RecordType": "SubscriptionChange",
            "Recipient": to,
            "ChangedAt": ISO,
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
        "opened": {"RecordType": "Open", "Recipient": to, "ReceivedAt": ISO},
    }
    shared = {
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Tag": "",
        "Metadata": {"rollcall_message": of} if of else {},
    }
    return posted(shared | fields[kind] | more)


def amazon_ses(kind: str, of: str = "", to: str = "ada@example.com") -> Request:
    """https://docs.aws.amazon.com/ses/latest/dg/notification-examples.html"""
    recipients = [{"emailAddress": to, "status": "5.1.1", "diagnosticCode": f"smtp; {REPLY}"}]
    bounce = {"bounceSubType": "General", "bouncedRecipients": recipients, "timestamp": ISO}
    fields: dict[str, tuple[str, dict[str, Any]]] = {
        "delivered": ("Delivery", {"recipients": [to], "smtpResponse": "250 ok"}),
        "deferred": (
            "DeliveryDelay",
            {"delayType": "TransientCommunicationFailure", "delayedRecipients": recipients},
        ),
        "bounced": ("Bounce", bounce | {"bounceType": "Permanent"}),
        "blocked": ("Bounce", bounce | {"bounceType": "Transient", "bounceSubType": "MailboxFull"}),
        "complained": ("Complaint", {"complainedRecipients": recipients}),
        "opened": ("Open", {"ipAddress": "192.0.2.1"}),
    }
    name, details = fields[kind]
    headers = [{"name": "X-Metadata", "value": json.dumps({"rollcall_message": of})}]
    mail = {
        "messageId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
        "destination": [to],
        "headersTruncated": False,
        "headers": headers if of else [],
    }
    event = {"eventType": name, "mail": mail, name[:1].lower() + name[1:]: details}
    event |= {name.lower(): details}
    message = {
        "Type": "Notification",
        "MessageId": f"22b80b92-fdea-4c2c-8f9d-{kind}",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:events",
        "Message": json.dumps(event),
        "Timestamp": ISO,
        "SignatureVersion": "1",
    }
    sns = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message["MessageId"],
    }
    return posted(message, **sns) | {"content_type": "text/plain; charset=UTF-8"}


def sendgrid_event(kind: str, of: str = "", to: str = "ada@example.com", number: int = 0) -> dict:
    """https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""
    fields: dict[str, dict[str, Any]] = {
        "delivered": {"event": "delivered", "response": "250 OK"},
        "deferred": {"event": "deferred", "response": "400 try again later", "attempt": "5"},
        "bounced": {
            "event": "bounce",
            "type": "bounce",
            "status": "5.1.1",
            "reason": REPLY,
            "bounce_classification": "Invalid Address",
        },
        "blocked": {"event": "bounce", "type": "blocked", "reason": "500 unknown recipient"},
        "complained": {"event": "spamreport"},
        "unsubscribed": {"event": "unsubscribe"},
        "opened": {"event": "open", "useragent": "Mozilla/4.0", "ip": "255.255.255.255"},
    }
    shared = {
        "email": to,
        "timestamp": EPOCH,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "category": ["cat facts"],
        "sg_event_id": f"{kind}-{number}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    }
    return shared | fields[kind] | ({"rollcall_message": of} if of else {})


def sendgrid(kind: str, of: str = "", to: str = "ada@example.com") -> Request:
    return posted([sendgrid_event(kind, of, to)])


def mailgun(
    kind: str, of: str = "", to: str = "ada@example.com", key: str = MAILGUN_KEY
) -> Request:
    """https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads"""
    status = {"code": 550, "message": REPLY, "description": "", "attempt-no": 1}
    failed = {"event": "failed", "delivery-status": status}
    fields: dict[str, dict[str, Any]] = {
        "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
        "deferred": failed | {"severity": "temporary", "reason": "generic"},
        "bounced": failed | {"severity": "permanent", "reason": "bounce"},
        "blocked": failed | {"severity": "permanent", "reason": "suppress-complaint"},
        "complained": {"event": "complained"},
        "unsubscribed": {"event": "unsubscribed"},
        "opened": {"event": "opened", "ip": "50.56.129.169"},
    }
    shared = {
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": EPOCH + 0.52,
        "recipient": to,
        "recipient-domain": "example.com",
        "message": {"headers": {"to": to, "message-id": "20130503182626@sample.mailgun.com"}},
        "user-variables": {"rollcall_message": of} if of else {},
    }
    token = f"c51d7e0e7b5c4ed08b6b7bd0{kind}"
    signed = hmac.new(key.encode(), f"{EPOCH}{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": str(EPOCH), "token": token, "signature": signed}
    return posted({"signature": signature, "event-data": shared | fields[kind]})


def brevo(kind: str, of: str = "", to: str = "ada@example.com") -> Request:
    """https://developers.brevo.com/docs/transactional-webhooks"""
    names = {
        "delivered": "delivered",
        "deferred": "deferred",
        "bounced": "hard_bounce",
        "blocked": "soft_bounce",
        "complained": "spam",
        "unsubscribed": "unsubscribe",
        "opened": "unique_opened",
    }
    event = {
        "event": names[kind],
        "email": to,
        "id": 26224,
        "date": "2026-11-28 13:00:00",
        "ts": EPOCH + 3600,
        "message-id": "<202611281200.1234567890@smtp-relay.mailin.fr>",
        "ts_event": EPOCH + 3600,
        "ts_epoch": EPOCH * 1000,
        "subject": "Subject",
        "reason": REPLY,
        "sending_ip": "192.0.2.9",
    }
    return posted(event | ({"X-Mailin-custom": json.dumps({"rollcall_message": of})} if of else {}))


BUILDERS = {
    "postmark": postmark,
    "amazon-ses": amazon_ses,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "brevo": brevo,
}
