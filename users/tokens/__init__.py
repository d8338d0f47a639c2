"""API tokens: a program's access to Rollcall, on behalf of a person or of a service account.

Rooms that serve programs use three things:

- `users.tokens.requests.token_required` decorates a view. The view gets `request.user`, a viewer as
  pages get it from users/sessions, and `request.token`. A request without a valid token is answered
  by 401, one above the token's rate by 429, both as application/problem+json.
- `users.tokens.check.authenticate_request` does the same without a decorator: it returns a
  `TokenHolder` with `token` and `viewer`, or raises `TokenRefused` or `TokenThrottled`.
- `ApiToken.provisioning_scope` returns what a token for provisioning may do, or None.

The viewer's permissions are those that the holder has now and that are scopes of the token, so
users/access.py and users/masking.py treat the request like one of a page. A viewer is never a
superuser. Events that the viewer causes name the token beside the holder.
"""
