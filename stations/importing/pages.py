"""The admin's pages for station files: upload, what would happen, agree, passwords; template and export."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from evportal.accounts.models import Operator
from stations.exceptions import Refused
from stations.importing import actions, planning, sheet, tables
from stations.importing.columns import COLUMNS
from stations.importing.planning import CHANGE, CREATE, SAME
from stations.models import Evse, Site, Station, StationImport

#: Rows that the page lists; the rest is counted.
LISTED = 300


def operators(access):
    """Where somebody may enter chargers, at all sites or at some."""
    if access.everything:
        return Operator.objects.all()
    return Operator.objects.filter(
        pk__in=[grant.operator_id for grant in access.with_permission("manage_stations")]
    )


class UploadForm(forms.Form):
    operator = forms.ModelChoiceField(
        queryset=Operator.objects.none(), label=_("Operator"), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        widget=UnfoldAdminFileFieldWidget({"accept": ".csv,.txt,.xlsx"}),
        help_text=_("At most %(mb)s MB and %(rows)s rows.")
        % {"mb": tables.MAX_BYTES // 1024 // 1024, "rows": tables.MAX_ROWS},
    )

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["operator"]
        field.queryset = operators(access)
        if len(field.queryset[:2]) == 1:
            field.initial = field.queryset[0]

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > tables.MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than %(mb)s MB."), params={"mb": 2})
        return file


class ImportPages:
    """For `StationAdmin`."""

    actions_list = ["import_stations", "export_stations"]

    def has_import_permission(self, request, obj=None):
        return request.access.may("manage_stations")

    def get_urls(self):
        wrap, name = self.admin_site.admin_view, "stations_station_import"
        return [
            path("import/template.<str:ending>", wrap(self.import_template), name=f"{name}_template"),
            path("import/<uuid:pk>/", wrap(self.import_shown), name=f"{name}_shown"),
            path("import/<uuid:pk>/passwords/", wrap(self.import_passwords), name=f"{name}_passwords"),
            *super().get_urls(),
        ]

    def _page(self, request, template: str, **context):
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        answer = TemplateResponse(request, f"admin/stations/{template}.html", context)
        # Files and passwords of an operator: no shared cache, no way back by the browser's button.
        answer["Cache-Control"] = "no-store"
        return answer

    @action(
        description=_("Import from a file"), url_path="import/", permissions=["import"], icon="upload_file"
    )
    def import_stations(self, request):
        form = UploadForm(request.POST or None, request.FILES or None, access=request.access)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                row, _plan = actions.look(
                    content=file.read(),
                    name=file.name,
                    operator=form.cleaned_data["operator"],
                    access=request.access,
                    by=request.user,
                    now=timezone.now(),
                )
            except tables.Unreadable as problem:
                form.add_error("file", str(problem))
            else:
                return redirect("admin:stations_station_import_shown", row.pk)
        return self._page(request, "import", title=_("Import sites and chargers"), form=form, columns=COLUMNS)

    def _own(self, request, pk) -> StationImport:
        if not self.has_import_permission(request):
            raise PermissionDenied
        # Only who was shown it may agree to it, and only while they still have the role.
        row = StationImport.objects.filter(
            pk=pk, created_by=request.user, operator__in=operators(request.access)
        ).first()
        if row is None:
            raise Http404
        return row

    def import_shown(self, request, pk):
        row = self._own(request, pk)
        now = timezone.now()
        if request.method == "POST":
            try:
                actions.apply(row=row, access=request.access, digest=request.POST.get("digest", ""), now=now)
            except Refused as refusal:
                messages.error(request, str(refusal))
            return redirect("admin:stations_station_import_shown", row.pk)
        if row.applied_at:
            return self._page(
                request,
                "import_done",
                title=_("Imported: %s") % row.name,
                row=row,
                created=_words(row.outcome.get(CREATE, {})),
                changed=_words(row.outcome.get(CHANGE, {})),
                has_passwords=bool(row.secrets) and row.expires_at > now,
            )
        if row.expires_at <= now:
            messages.error(request, actions.RunOut.default)
            return redirect("admin:stations_station_import_stations")
        plan = actions.planned(row, request.access)
        lines = [line for number, steps in sorted(plan.by_row.items()) if (line := _line(number, steps))]
        return self._page(
            request,
            "import_shown",
            title=_("What %s would do") % row.name,
            row=row,
            plan=plan,
            # What was shown first is what may be agreed to; anything else must be looked at again.
            as_shown=plan.digest == row.digest,
            lines=lines[:LISTED],
            more=max(0, len(lines) - LISTED),
            alone=ranges(plan.by_row.keys() - {line["number"] for line in lines}),
            problems=plan.problems[: planning.MAX_PROBLEMS],
            creates=_words({level: plan.count(CREATE, level) for level in planning.LEVELS}),
            changes=_words({level: plan.count(CHANGE, level) for level in planning.LEVELS}),
            same=plan.count(SAME),
        )

    def import_passwords(self, request, pk):
        row = self._own(request, pk)
        if request.method != "POST":
            return redirect("admin:stations_station_import_shown", row.pk)
        try:
            content = actions.take_passwords(row=row, now=timezone.now())
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:stations_station_import_shown", row.pk)
        return _file(content, sheet.CSV, "passwords.csv")

    def import_template(self, request, ending):
        if not self.has_import_permission(request):
            raise PermissionDenied
        return _sheet(sheet.example(), "chargers-template", ending)

    @action(description=_("Export"), url_path="export/", permissions=["view"], icon="download")
    def export_stations(self, request):
        evses = Evse.objects.order_by("number").prefetch_related("connectors")
        stations = Station.objects.order_by("name", "pk").prefetch_related(Prefetch("evses", evses))
        sites = Site.objects.visible_to(request.access, self.view_permission)
        sites = sites.order_by("slug").prefetch_related(Prefetch("stations", stations))
        return _sheet(sheet.rows_of(sites), "chargers", request.GET.get("as", "xlsx"))


def _sheet(rows, name: str, ending: str) -> HttpResponse:
    if ending == "csv":
        return _file(sheet.as_csv(rows), sheet.CSV, f"{name}.csv")
    if ending == "xlsx":
        return _file(sheet.as_xlsx(rows), sheet.XLSX, f"{name}.xlsx")
    raise Http404


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)


def _words(counts: dict[str, int]) -> str:
    """“2 chargers, 3 EVSEs”."""
    said = {
        "site": ngettext("%(n)s site", "%(n)s sites", counts.get("site", 0)),
        "station": ngettext("%(n)s charger", "%(n)s chargers", counts.get("station", 0)),
        "evse": ngettext("%(n)s EVSE", "%(n)s EVSEs", counts.get("evse", 0)),
        "connector": ngettext("%(n)s connector", "%(n)s connectors", counts.get("connector", 0)),
    }
    return ", ".join(said[level] % {"n": counts[level]} for level in planning.LEVELS if counts.get(level))


KINDS = {"site": _("site"), "station": _("charger"), "evse": _("EVSE"), "connector": _("connector")}


def _line(number: int, steps) -> dict | None:
    """What the page says of a row, in the file's own words; nothing of one that would change nothing."""
    said = []
    for step in steps:
        if step.verb == SAME or (step.verb == CREATE and step.row != number):
            continue
        if step.verb == CHANGE:
            pairs = [
                (name, sheet.cell(name, was), sheet.cell(name, to))
                for name, (was, to) in step.changes.items()
            ]
            details = [f"{sheet.heading(step.level, name)}: {was or '–'} → {to}" for name, was, to in pairs]
        else:
            details = [
                f"{sheet.heading(step.level, name)}: {sheet.cell(name, value)}"
                for name, value in step.fields.items()
            ]
        name = " / ".join(str(part) for part in step.key)
        said.append({"verb": step.verb, "level": KINDS[step.level], "name": name, "details": details})
    return {"number": number, "said": said} if said else None


def ranges(numbers) -> str:
    """“2–5, 9”."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in runs)
