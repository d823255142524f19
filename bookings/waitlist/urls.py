from django.urls import path

from bookings.waitlist import views

app_name = "waitlist"

urlpatterns = [
    path("s/<slug:slug>/waitlist/", views.join, name="join"),
    path("w/<uuid:place_id>/", views.place, name="place"),
    path("w/<uuid:place_id>/accept/", views.accept, name="accept"),
    path("w/<uuid:place_id>/pause/", views.pause, name="pause"),
    path("w/<uuid:place_id>/resume/", views.resume, name="resume"),
    path("w/<uuid:place_id>/leave/", views.leave, name="leave"),
]
