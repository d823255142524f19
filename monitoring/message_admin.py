"""The message log in the admin: bounded in time, because it grows by every frame of every charger."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    FieldTextFilter,
    RangeDateTimeFilter,
)
from unfold.utils import parse_datetime_str

from evportal.admin import ReadOnly, ScopedAdmin, choices
from monitoring import journal
from stations.models import LoggedMessage, Station
from stations.ocpp.versions import SUBPROTOCOLS

#: What is looked through where no beginning is given.
SPAN = timedelta(days=1)
#: More rows than this are not counted, and not leafed through.
MOST = 1000
#: A search through a day of a large network is given up after this.
PATIENCE_MS = 8000


class Bounded(Paginator):
    """Counts the newest rows only."""

    @cached_property
    def count(self):
        return self.object_list[:MOST].count()


class Address(ChangeList):
    """A row's address says its moment, so that one partition is asked for it."""

    def url_for_result(self, result):
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[quote(f"{result.at.isoformat()}_{result.pk}")])


class OwnStation(AutocompleteSelectFilter):
    """Chargers are searched for, and one of another house is not named."""

    def choices(self, changelist):
        for each in super().choices(changelist):
            own = choices(Station, self.request.access, changelist.model_admin.view_permission)
            each["form"].fields[self.lookup_kwarg].queryset = own
            yield each


class Direction(DropdownFilter):
    title = _("direction")
    parameter_name = "direction"

    def lookups(self, request, model_admin):
        return [("in", _("From the charger")), ("out", _("To the charger"))]

    def queryset(self, request, queryset):
        if self.value() not in ("in", "out"):
            return queryset
        return queryset.filter(from_station=self.value() == "in")


class Version(DropdownFilter):
    title = "OCPP"
    parameter_name = "ocpp"

    def lookups(self, request, model_admin):
        return [(version, version) for version in SUBPROTOCOLS.values()]

    def queryset(self, request, queryset):
        return queryset.filter(version=self.value()) if self.value() else queryset


class When(RangeDateTimeFilter):
    """Without an end, until now; without a beginning, the day before the end."""

    def queryset(self, request, queryset):
        until = self._moment("to") or timezone.now()
        since = self._moment("from") or until - SPAN
        return queryset.filter(at__gte=since, at__lte=until)

    def _moment(self, end: str) -> datetime | None:
        day, time = (self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1))
        moment = parse_datetime_str(f"{day} {time or '00:00'}") if day else None
        return timezone.make_aware(moment) if moment else None


@admin.register(LoggedMessage)
class LoggedMessageAdmin(ReadOnly, ScopedAdmin):
    """Passwords are not in it: what is stored of a frame holds none (stations/configuration/masking.py)."""

    view_permission = "view_messages"
    site_path = "station__site"
    paginator = Bounded
    show_facets = admin.ShowFacets.NEVER
    list_before_template = "admin/stations/messages_bounded.html"
    list_display = ["at", "station", "direction", "kind", "action", "message_id", "version"]
    list_select_related = ["station__site"]
    sortable_by = ["at"]
    ordering = ["-at"]
    list_filter = [
        ("at", When),
        ("station", OwnStation),
        Direction,
        ("kind", ChoicesDropdownFilter),
        Version,
        ("action", FieldTextFilter),
    ]
    search_fields = ["message_id", "station__identity"]
    search_help_text = _("A message id, or a charger's identity.")
    fields = [
        "at",
        "station",
        "direction",
        "kind",
        "action",
        "message_id",
        "version",
        "command_",
        "call",
        "answer_",
        "latency",
    ]
    readonly_fields = ["direction", "command_", "call", "answer_", "latency"]

    def get_changelist(self, request, **kwargs):
        return Address

    def changelist_view(self, request, extra_context=None):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
                # All of the page's rows are read by then; what is left is drawing.
                return super().changelist_view(request, extra_context)
        except OperationalError as error:
            if not _took_too_long(error):
                raise
        sentence = _("That is too much to look through at once. Choose a charger or a shorter time.")
        messages.error(request, sentence)
        return HttpResponseRedirect(request.path)

    def get_search_results(self, request, queryset, search_term):
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        # Few chargers, found first: by their index of the log, not by a join with every row.
        own = choices(Station, request.access, self.view_permission)
        stations = list(own.filter(identity__icontains=wanted).values_list("pk", flat=True)[:MOST])
        return queryset.filter(Q(message_id=wanted) | Q(station__in=stations)), False

    def has_view_permission(self, request, obj=None):
        # Asked of the row that is there: looking for it again would ask every partition.
        if obj is None or obj.pk is None:
            return request.access.may(self.view_permission)
        return request.access.may_at(self.view_permission, obj.station.site)

    def get_object(self, request, object_id, from_field=None):
        at, _sign, key = object_id.rpartition("_")
        found = self.get_queryset(request).select_related("station__site")
        try:
            if at:
                found = found.filter(at=datetime.fromisoformat(at))
            return found.filter(pk=UUID(key)).first()
        except ValueError:
            return None

    @admin.display(description=_("Direction"))
    def direction(self, message):
        return _("From the charger") if message.from_station else _("To the charger")

    @admin.display(description=_("Command"))
    def command_(self, message):
        if message.command is None:
            return "–"
        url = reverse("admin:stations_command_change", args=[message.command])
        return format_html('<a href="{}">{}</a>', url, message.command)

    def _exchange(self, message) -> journal.Exchange:
        if not hasattr(message, "exchange"):
            message.exchange = journal.exchange_of(message)
        return message.exchange

    @admin.display(description=_("Request"))
    def call(self, message):
        return _frame(self._exchange(message).request)

    @admin.display(description=_("Reply"))
    def answer_(self, message):
        exchange = self._exchange(message)
        return _frame(exchange.reply) if exchange.reply else _("no reply yet")

    @admin.display(description=_("Latency"))
    def latency(self, message):
        taken = self._exchange(message).latency_ms
        return "–" if taken is None else f"{taken} ms"


def _frame(text: str) -> str:
    return format_html('<pre class="whitespace-pre-wrap break-all">{}</pre>', text)


def _took_too_long(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == "57014"
