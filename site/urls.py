"""The URLs of the site, and the views for errors."""

from django.urls import include, path

urlpatterns = [path("", include("users.urls"))]

handler400 = "users.error_pages.bad_request"
handler403 = "users.error_pages.permission_denied"
handler404 = "users.error_pages.page_not_found"
# Called by allauth.
handler429 = "users.error_pages.too_many_requests"
handler500 = "users.error_pages.server_error"
