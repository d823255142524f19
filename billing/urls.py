"""Money's addresses: the driver's (`billing:`), their own pages (`me:`) and finance (`fin:`)."""

from django.urls import include, path

driver: list = []
me: list = []
fin: list = []

urlpatterns = [
    path("", include((driver, "billing"))),
    path("me/", include((me, "me"))),
    path("fin/", include((fin, "fin"))),
]
