from django.urls import path

from users.mail import unsubscription_views

urlpatterns = [
    path("<str:token>/", unsubscription_views.unsubscription, name="unsubscribe"),
]
