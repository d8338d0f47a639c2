"""The addresses of the site; each feature brings its own."""

from django.urls import include, path

urlpatterns = [path("", include("users.urls"))]

handler400 = "users.errors.bad_request"
handler403 = "users.errors.denied"
handler404 = "users.errors.not_found"
handler429 = "users.errors.too_many"  # allauth calls it
handler500 = "users.errors.server_error"
