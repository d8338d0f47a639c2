from django.urls import path

from users.staff.reviews import views

urlpatterns = [
    path("", views.index, name="staff-reviews"),
    path("new/", views.new, name="staff-review-new"),
    path("<int:pk>/", views.show, name="staff-review"),
    path("<int:pk>/end/", views.close, name="staff-review-end"),
    path("<int:pk>/result/", views.download, name="staff-review-result"),
    path("<int:pk>/roles/<int:number>/", views.item, name="staff-review-item"),
]
