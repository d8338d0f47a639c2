"""The requests of RFC 7643 (section 8) and RFC 7644 (section 3), as JSON.

They are corrected where the errata of the RFCs or their own rules ask for it: IDs that are cut with
“…” are placeholders here, and the data of a PATCH in a Bulk request is an object with “schemas”
and “Operations”. {user} and {other} stand for the IDs of two users.
"""

from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
WORK_ADDRESS = {
    "type": "work",
    "streetAddress": "100 Universal City Plaza",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "USA",
    "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
    "primary": True,
}
HOME_ADDRESS = {
    "type": "home",
    "streetAddress": "456 Hollywood Blvd",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "USA",
    "formatted": "456 Hollywood Blvd\nHollywood, CA 91608 USA",
}
# RFC 7643, 8.1.
MINIMAL_USER: dict[str, Any] = {"schemas": [USER], "userName": "bjensen@example.com"}
# RFC 7643, 8.2, without what only the service sets: id, groups and meta.
FULL_USER: dict[str, Any] = {
    "schemas": [USER],
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "profileUrl": "https://login.example.com/bjensen",
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "addresses": [WORK_ADDRESS, HOME_ADDRESS],
    "phoneNumbers": [
        {"value": "555-555-5555", "type": "work"},
        {"value": "555-555-4444", "type": "mobile"},
    ],
    "ims": [{"value": "someaimhandle", "type": "aim"}],
    "photos": [
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo"},
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/T", "type": "thumbnail"},
    ],
    "userType": "Employee",
    "title": "Tour Guide",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UE"}],
}
# RFC 7643, 8.3, without the name of the manager, which is read-only.
ENTERPRISE_USER: dict[str, Any] = FULL_USER | {
    "schemas": [USER, ENTERPRISE],
    ENTERPRISE: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
        "manager": {
            "value": "26118915-6090-4610-87e4-49d8ca9f808d",
            "$ref": "https://example.com/v2/Users/26118915-6090-4610-87e4-49d8ca9f808d",
        },
    },
}
# RFC 7644, 3.3 and 3.14.
CREATION: dict[str, Any] = {
    "schemas": [USER],
    "userName": "bjensen",
    "externalId": "bjensen",
    "name": {
        "formatted": "Ms. Barbara J Jensen III",
        "familyName": "Jensen",
        "givenName": "Barbara",
    },
}
# RFC 7644, 3.4.1: the resource that a GET returns.
KNOWN_RESOURCE: dict[str, Any] = CREATION | {
    "phoneNumbers": [{"value": "555-555-8377", "type": "work"}],
    "emails": [{"value": "bjensen@example.com", "type": "work"}],
}
CREATIONS = {
    "7643-8.1": MINIMAL_USER,
    "7643-8.2": FULL_USER,
    "7643-8.3": ENTERPRISE_USER,
    "7644-3.3": CREATION,
    "7644-3.4.1": KNOWN_RESOURCE,
}
# RFC 7644, 3.5.1.
REPLACEMENT: dict[str, Any] = {
    "schemas": [USER],
    "userName": "bjensen",
    "externalId": "bjensen",
    "name": {
        "formatted": "Ms. Barbara J Jensen III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
    },
    "roles": [],
    "emails": [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}],
}
NEW_WORK_ADDRESS = {
    "type": "work",
    "streetAddress": "911 Universal City Plaza",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "US",
    "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
    "primary": True,
}
# RFC 7644, 3.5.2: changes of FULL_USER, and the attributes that they leave.
USER_PATCHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "add emails": (
        {
            "op": "add",
            "value": {"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickname": "Babs"},
        },
        {"emails": FULL_USER["emails"], "nickName": "Babs"},
    ),
    "remove work emails": (
        {"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'},
        {"emails": FULL_USER["emails"][1:]},
    ),
    "replace the work address": (
        {"op": "replace", "path": 'addresses[type eq "work"]', "value": NEW_WORK_ADDRESS},
        {"addresses": [NEW_WORK_ADDRESS, HOME_ADDRESS]},
    ),
    "replace the street of the work address": (
        {
            "op": "replace",
            "path": 'addresses[type eq "work"].streetAddress',
            "value": "1010 Broadway Ave",
        },
        {"addresses": [WORK_ADDRESS | {"streetAddress": "1010 Broadway Ave"}, HOME_ADDRESS]},
    ),
    "replace all emails": (
        {"op": "replace", "value": {"emails": FULL_USER["emails"], "nickname": "Babs"}},
        {"emails": FULL_USER["emails"], "nickName": "Babs"},
    ),
}
BABS = {"display": "Babs Jensen", "$ref": "https://example.com/v2/Users/{user}", "value": "{user}"}
JAMES = {
    "display": "James Smith",
    "$ref": "https://example.com/v2/Users/{other}",
    "value": "{other}",
}
# RFC 7644, 3.5.2: changes of a group whose member is {user}, and the members that they leave.
GROUP_PATCHES: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "add a member": ([{"op": "add", "path": "members", "value": [JAMES]}], {"user", "other"}),
    "add a member again": ([{"op": "add", "path": "members", "value": [BABS]}], {"user"}),
    "remove one member": ([{"op": "remove", "path": 'members[value eq "{user}"]'}], set()),
    "remove all members": ([{"op": "remove", "path": "members"}], set()),
    "remove one and add one": (
        [
            {"op": "remove", "path": 'members[value eq"{user}"]'},
            {"op": "add", "path": "members", "value": [JAMES]},
        ],
        {"other"},
    ),
    "replace all members": (
        [
            {"op": "remove", "path": "members"},
            {"op": "add", "path": "members", "value": [BABS, JAMES]},
        ],
        {"user", "other"},
    ),
}
# RFC 7644, 3.7.2: a manager that another operation creates.
MANAGER_BULK: dict[str, Any] = {
    "schemas": [BULK],
    "Operations": [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "qwerty",
            "data": {"schemas": [USER], "userName": "Alice"},
        },
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "ytrewq",
            "data": {
                "schemas": [USER, ENTERPRISE],
                "userName": "Bob",
                ENTERPRISE: {"employeeNumber": "11250", "manager": {"value": "bulkId:qwerty"}},
            },
        },
    ],
}
# RFC 7644, 3.7.3: one operation of each method.
MIXED_BULK: dict[str, Any] = {
    "schemas": [BULK],
    "failOnErrors": 1,
    "Operations": [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "qwerty",
            "data": {"schemas": [USER], "userName": "Alice"},
        },
        {
            "method": "PUT",
            "path": "/Users/{user}",
            "version": 'W/"1"',
            "data": {"schemas": [USER], "id": "{user}", "userName": "Bob"},
        },
        {
            "method": "PATCH",
            "path": "/Users/{other}",
            "version": 'W/"1"',
            "data": {
                "schemas": [PATCH],
                "Operations": [
                    {"op": "remove", "path": "nickName"},
                    {"op": "add", "path": "userName", "value": "Dave"},
                ],
            },
        },
        {"method": "DELETE", "path": "/Users/{third}", "version": 'W/"1"'},
    ],
}
# RFC 7644, 3.4.3.
SEARCH_REQUEST: dict[str, Any] = {
    "schemas": [SEARCH],
    "attributes": ["displayName", "userName"],
    "filter": 'displayName sw "smith"',
    "startIndex": 1,
    "count": 10,
}
# RFC 7644, 3.4.2.2: each filter, and whether an index serves it.
FILTERS = {
    'userName eq "bjensen"': True,
    'name.familyName co "O\'Malley"': True,
    'userName sw "JOH"': True,
    'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "JOH"': True,
    "title pr": False,
    'meta.lastModified gt "2011-05-13T04:42:34Z"': True,
    'meta.lastModified ge "2011-05-13T04:42:34Z"': True,
    'meta.lastModified lt "2011-05-13T04:42:34Z"': True,
    'meta.lastModified le "2011-05-13T04:42:34Z"': True,
    'title pr and userType eq "Employee"': False,
    'title pr or userType eq "Intern"': False,
    f'schemas eq "{ENTERPRISE}"': False,
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")': False,
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")': (
        False
    ),
    'userType eq "Employee" and (emails.type eq "work")': False,
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]': False,
    'emails[type eq "work" and value co "@example.com"] or'
    ' ims[type eq "xmpp" and value co "@foo.com"]': False,
}
