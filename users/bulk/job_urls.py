from django.urls import path

from users.bulk import job_views

urlpatterns = [
    path("<int:pk>/undo/", job_views.undo, name="job-undo"),
    path("<int:pk>/approval/", job_views.approval, name="job-approval"),
    path("<int:pk>/refusal/", job_views.refusal, name="job-refusal"),
]
