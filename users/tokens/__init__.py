"""API tokens: a program's access to Rollcall, on behalf of a person or of a service account.

Rooms that serve programs use two things:

- `users.tokens.check.authenticate_request` returns a `TokenHolder` with the token and its viewer,
  who is like that of a page. It raises `TokenRefused` without a valid token (401), and
  `TokenThrottled` above the token's rate (429).
- `ApiToken.provisioning_scope` returns what a token for provisioning may do, or None.

The viewer's permissions are those that the holder has now and that are scopes of the token, so
users/access.py and users/masking.py treat the request like one of a page. A viewer is never a
superuser. Events that the viewer causes name the token beside the holder.
"""
