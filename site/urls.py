"""The addresses of the site; each feature brings its own."""

from django.urls import include, path

urlpatterns = [path("", include("users.urls"))]

handler400 = "users.error_pages.bad_request"
handler403 = "users.error_pages.permission_denied"
handler404 = "users.error_pages.page_not_found"
handler429 = "users.error_pages.too_many_requests"  # allauth calls it
handler500 = "users.error_pages.server_error"
