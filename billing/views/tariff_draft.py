"""The draft of a tariff: written in fields or as JSON, looked at from all sides, approved, published."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import groups, previews, prices, pricing, showing
from billing.actions import books, drafts, tariffs
from billing.forms_tariff import OcpiForm, PaintForm, PlainForm, field_of
from billing.models import TariffDraft
from billing.pricing import plain
from billing.views.scope import needs
from billing.views.tariffs import as_file, seen, tariff_of, week_table, words
from evportal.accounts.models import User
from stations.exceptions import Refused

#: The fields of a section, in the order in which they are asked.
FEES = (
    "start_fee",
    "waive_below_kwh",
    "waive_from_kwh",
    "waive_within_minutes",
    "idle_minute",
    "idle_grace_minutes",
    "idle_from",
    "idle_until",
    "free_minutes",
    "min_price",
    "max_price",
)
HOLIDAYS = ("holidays", "calendar", "holidays_as", "holiday_kwh", "holiday_minute")


def draft_of(request, pk: int) -> TariffDraft:
    mine = TariffDraft.objects.visible_to(request.access, "manage_tariffs")
    found = mine.select_related("tariff__operator", "updated_by").filter(tariff=pk).first()
    if found is None:
        raise Http404
    return found


def _crumbs(draft: TariffDraft, *more: dict) -> list[dict]:
    row = draft.tariff
    return [
        {"label": _("Tariffs"), "url": f"{reverse('tariffs:list')}?operator={row.operator.slug}"},
        {"label": row.name, "url": reverse("tariffs:tariff", args=[row.pk])},
        *more,
    ]


def _tabs(draft: TariffDraft, current: str) -> list[dict]:
    pages = (
        ("tariffs:draft", _("Prices")),
        ("tariffs:ocpi", "OCPI"),
        ("tariffs:preview", _("Preview")),
        ("tariffs:publish", _("Publish")),
    )
    return [
        {"label": label, "url": reverse(name, args=[draft.tariff_id]), "current": name == current}
        for name, label in pages
    ]


@needs("manage_tariffs")
@require_POST
def begin(request, pk):
    drafts.begin(tariff=tariff_of(request, pk), by=request.user)
    return redirect("tariffs:draft", pk)


def _forms(draft: TariffDraft, data=None) -> PlainForm:
    document = pricing.Tariff.from_ocpi(draft.ocpi)
    operator = draft.tariff.operator
    zone = books.zone_of(operator)
    form = PlainForm(data, operator=operator, zone=zone, prices=document)
    if form.before is not None:
        form.initial = PlainForm.initial_of(form.before, [name for name, _label in form.groups])
    form.initial["valid_from"] = _local(draft, zone)
    return form


def _local(draft: TariffDraft, zone) -> str:
    return f"{draft.valid_from.astimezone(zone):%Y-%m-%dT%H:%M}" if draft.valid_from else ""


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, pk):
    """Fields and the week; a tariff that doesn't fit them is written as JSON."""
    draft = draft_of(request, pk)
    form = _forms(draft, request.POST if request.method == "POST" else None)
    if request.method != "POST" and form.before is None:
        return redirect("tariffs:ocpi", pk)
    paint = PaintForm(request.POST if request.POST.get("do") == "paint" else None)
    if request.method == "POST" and form.is_valid() and (not paint.is_bound or paint.is_valid()):
        if paint.is_bound:
            form.cleaned_data["week"] = paint.painted(form.cleaned_data["week"])
            form.clean()
        if not form.errors and _save(request, draft, form):
            to = "tariffs:preview" if request.POST.get("do") == "preview" else "tariffs:draft"
            return redirect(to, pk)
    document = form.prices
    if form.is_bound and form.is_valid():
        document = form.document()
    week = form.cleaned_data.get("week") if form.is_bound and form.is_valid() else form.initial.get("week")
    context = {
        "title": _("%(tariff)s: draft") % {"tariff": draft.tariff},
        "crumbs": _crumbs(draft),
        "tabs": _tabs(draft, "tariffs:draft"),
        "draft": draft,
        "tariff": draft.tariff,
        "form": form,
        "paint": paint,
        "week": week_table(week or "A" * 168, []),
        "fees": [form[name] for name in FEES],
        "holiday_fields": [form[name] for name in HOLIDAYS],
        "zone": form.zone,
        **_checked(draft, document),
    }
    return render(request, "tariffs/draft.html", context, status=422 if form.errors or paint.errors else 200)


def _save(request, draft: TariffDraft, form: PlainForm) -> bool:
    try:
        drafts.change(
            draft=draft,
            ocpi=form.document().to_ocpi(),
            valid_from=form.cleaned_data["valid_from"],
            by=request.user,
            seen=request.POST.get("seen", ""),
        )
    except pricing.TariffError as error:
        form.add_error(None, str(error))
    except Refused as refusal:
        form.add_error(None, str(refusal))
    else:
        messages.success(request, _("The draft is saved."))
        return True
    return False


def _checked(draft: TariffDraft, document: pricing.Tariff) -> dict:
    """The words that drivers would read, and what is to be said of the prices."""
    found = tariffs.lint(tariff=draft.tariff, document=document, now=timezone.now())
    return words(document, draft.tariff) | {
        "findings": [
            {
                "finding": each,
                "key": drafts.key(each),
                "field": field_of(each, document),
                # Beside its field the same sentence is said once.
                "is_first": each.message not in [before.message for before in found[:index]],
            }
            for index, each in enumerate(found)
        ],
        "has_errors": any(each.level is pricing.Level.ERROR for each in found),
    }


@needs("manage_tariffs")
@require_POST
def check(request, pk):
    """A fragment for the editor while somebody types: nothing is kept."""
    draft = draft_of(request, pk)
    form = _forms(draft, request.POST)
    context: dict = {"tariff": draft.tariff, "form": form}
    if form.is_valid():
        context |= _checked(draft, form.document())
    return render(request, "tariffs/_check.html", context)


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def ocpi(request, pk):
    """The whole object, for those who know it: pasted in, changed, taken away, unchanged."""
    draft = draft_of(request, pk)
    zone = books.zone_of(draft.tariff.operator)
    form = OcpiForm(
        request.POST if request.method == "POST" else None,
        zone=zone,
        initial={"ocpi": draft.ocpi, "valid_from": _local(draft, zone)},
    )
    form.fields["ocpi"].widget.attrs["rows"] = 26
    if request.method == "POST" and form.is_valid():
        try:
            wish = {"draft": draft, "by": request.user, "seen": request.POST.get("seen", "")}
            drafts.change(**wish, **form.cleaned_data)
        except (pricing.TariffError, Refused) as error:
            form.add_error("ocpi", str(error))
        else:
            messages.success(request, _("The draft is saved."))
            return redirect("tariffs:ocpi", pk)
    document = pricing.Tariff.from_ocpi(draft.ocpi)
    try:
        plain.of(document)
        not_plain = ""
    except plain.NotPlain as reason:
        not_plain = str(reason)
    context = {
        "title": _("%(tariff)s: draft") % {"tariff": draft.tariff},
        "crumbs": _crumbs(draft),
        "tabs": _tabs(draft, "tariffs:ocpi"),
        "draft": draft,
        "tariff": draft.tariff,
        "form": form,
        "not_plain": not_plain,
        **_checked(draft, document),
    }
    return render(request, "tariffs/ocpi.html", context, status=422 if form.errors else 200)


@needs("manage_tariffs")
@require_safe
def ocpi_json(request, pk):
    draft = draft_of(request, pk)
    return as_file(draft.ocpi, f"tariff-{draft.tariff_id}-draft.json")


@needs("manage_tariffs")
@require_safe
def preview(request, pk):
    """Sample and past sessions by the prices in force and by the draft, line by line."""
    draft = draft_of(request, pk)
    now = timezone.now()
    old_version = previews.in_force(draft.tariff, now)
    old = prices.tariff(old_version) if old_version is not None else None
    new = pricing.Tariff.from_ocpi(draft.ocpi)
    names = groups.choices(draft.tariff.operator)
    group = request.GET.get("group", "")
    wanted = request.GET.get("sessions")
    count = next((each for each in previews.COUNTS if str(each) == wanted), previews.COUNTS[0])
    day = (draft.valid_from or now).astimezone(books.zone_of(draft.tariff.operator))
    found = previews.past(tariff=draft.tariff, old=old, new=new, now=now, count=count)
    currency = new.currency
    context = {
        "title": _("%(tariff)s: draft") % {"tariff": draft.tariff},
        "crumbs": _crumbs(draft),
        "tabs": _tabs(draft, "tariffs:preview"),
        "draft": draft,
        "tariff": draft.tariff,
        "old_version": old_version,
        "groups": names,
        "group": group,
        "counts": previews.COUNTS,
        "count": count,
        "samples": [
            {"words": sample.words, **_compared(comparison, currency)}
            for sample, comparison in previews.samples(old, new, day, [group] if group else [])
        ],
        "past": [
            {
                "session": each.session,
                "zone": each.session.station.site.zone,
                "kwh": showing.kwh(each.session.energy_wh),
                **_compared(each.comparison, currency),
            }
            for each in found.rows
        ],
        "sums": {
            "old": showing.money(found.old, currency),
            "new": showing.money(found.new, currency),
            "difference": _signed(found.difference, currency),
        },
        "left_out": found.left_out,
    }
    return render(request, "tariffs/preview.html", context)


def _compared(comparison, currency: str) -> dict:
    def money(line) -> str:
        return showing.money(line.gross, currency) if line is not None else "–"

    return {
        "old": showing.money(comparison.old.gross, currency) if comparison.old is not None else "–",
        "new": showing.money(comparison.new.gross, currency),
        "difference": _signed(comparison.difference, currency),
        "lines": [
            {
                "description": line.description,
                "old": money(line.old),
                "new": money(line.new),
                "difference": _signed(line.difference, currency),
            }
            for line in comparison.lines
        ],
    }


def _signed(amount, currency: str) -> str:
    shown = showing.money(abs(amount), currency)
    if not amount:
        return shown
    return f"+{shown}" if amount > 0 else f"−{shown}"


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request, pk):
    """The last look: what is said of it, who wrote it, who approved it; then it is approved or published."""
    draft = draft_of(request, pk)
    problem = ""
    if request.method == "POST":
        wish = {
            "draft": draft,
            "by": request.user,
            "seen": request.POST.get("seen", ""),
            "confirmed": request.POST.getlist("confirmed"),
        }
        try:
            if request.POST.get("do") == "approve":
                drafts.approve(**wish)
                messages.success(request, _("You approved this draft, exactly as it is."))
                return redirect("tariffs:publish", pk)
            version = drafts.publish(**wish)
        except Refused as refusal:
            problem = str(refusal)
        else:
            messages.success(request, _("Version %(number)s is published.") % {"number": version.number})
            return redirect("tariffs:tariff", pk)
        draft = draft_of(request, pk)
    document = pricing.Tariff.from_ocpi(draft.ocpi)
    approval = getattr(draft, "approval", None)
    second = tariffs.needs_second_person(draft.tariff.operator)
    wrote = draft.updated_by_id == request.user.pk or draft.editors.filter(pk=request.user.pk).exists()
    context = {
        "title": _("%(tariff)s: draft") % {"tariff": draft.tariff},
        "crumbs": _crumbs(draft),
        "tabs": _tabs(draft, "tariffs:publish"),
        "draft": draft,
        "tariff": draft.tariff,
        "zone": books.zone_of(draft.tariff.operator),
        "problem": problem,
        "second_person": second,
        "approval": approval,
        "wrote": wrote,
        "editors": list(User.objects.filter(pk__in=draft.editors.values("pk"))) or [draft.updated_by],
        "may_publish": not second or approval is not None,
        "confirmed": set(request.POST.getlist("confirmed")),
        **seen(document, draft.tariff),
        **_checked(draft, document),
    }
    return render(request, "tariffs/publish.html", context, status=422 if problem else 200)


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request, pk):
    draft = draft_of(request, pk)
    has_versions = draft.tariff.versions.exists()
    if request.method == "POST":
        try:
            drafts.discard(draft=draft)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The draft is given up."))
        return redirect("tariffs:tariff", pk) if has_versions else redirect("tariffs:list")
    gone = _("The tariff goes with it: it was never published.")
    context = {
        "base": "base_ops.html",
        "title": _("Give up the draft of %(tariff)s?") % {"tariff": draft.tariff},
        "consequences": [_("What was written in it is gone."), *([] if has_versions else [gone])],
        "action_url": request.path,
        "submit": _("Give it up"),
        "danger": True,
        "cancel_url": reverse("tariffs:draft", args=[pk]),
    }
    return render(request, "confirm.html", context)
