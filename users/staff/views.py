"""django-allauth's views, with answers as everywhere here: 422 for bad input, 429 for too much of it, 405 for PUT."""

from allauth.account import views
from django.http import HttpResponse
from django.shortcuts import redirect


class Answers:
    http_method_names = ("get", "head", "options", "post")

    def form_invalid(self, form) -> HttpResponse:
        response = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 429 if form.has_error("__all__", "too_many_login_attempts") else 422
        return response


class LoginView(Answers, views.LoginView):
    pass


class PasswordResetView(Answers, views.PasswordResetView):
    pass


class PasswordChooseView(Answers, views.PasswordResetFromKeyView):
    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if getattr(self, "reset_user", True) is None:  # the page that says that the link no longer works
            response.status_code = 410
        return response


class PasswordChangeView(Answers, views.PasswordChangeView):
    success_url = "/me/"

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        if not request.user.has_usable_password():  # allauth would go to a page that is not part of this site
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **kwargs)
