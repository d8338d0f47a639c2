from django.urls import path

from users.presence import views

urlpatterns = [path("<int:pk>/presence/", views.presence_strip, name="presence")]
