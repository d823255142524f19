"""The operator's pages, in a namespace of their own: `ops:wallboard`."""

from django.urls import include, path

ops: list = []

urlpatterns = [path("ops/", include((ops, "ops")))]
