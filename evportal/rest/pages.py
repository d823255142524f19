"""Pages by cursor: none twice and none lost, however much is written meanwhile."""

from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """`results`, `next`, `previous`; newest first unless the view says otherwise."""

    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "-pk"

    def get_ordering(self, request, queryset, view):
        ordering = getattr(view, "page_ordering", self.ordering)
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)
