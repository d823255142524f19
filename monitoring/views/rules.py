"""`/ops/alerts/rules/`: when an operator is told of what."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from monitoring.alert_forms import RuleForm, SiteRuleForm
from monitoring.guard import ops_page
from monitoring.models import Alert, Rule
from monitoring.rules.kinds import DEFAULTS


def _crumbs():
    return [
        {"label": _("Alerts"), "url": reverse("ops:alerts")},
        {"label": _("Rules"), "url": reverse("ops:alert_rules")},
    ]


@ops_page("view_alerts")
@require_http_methods(["GET", "POST"])
def rules(request):
    may = bool(request.access.everything or request.access.operator_ids("manage_sites"))
    form = SiteRuleForm(request.POST or None, access=request.access) if may else None
    if request.method == "POST":
        if form is None:
            return render(request, "403.html", status=403)
        if form.is_valid():
            return redirect("ops:alert_rule", pk=form.rule().pk)
    rows = list(Rule.objects.visible_to(request.access).select_related("operator", "site"))
    order = list(DEFAULTS)
    rows.sort(key=lambda rule: (rule.operator.name, order.index(rule.kind), rule.site_id or 0))
    full = set(
        Alert.objects.open().filter(cause__startswith="overflow:rule:").values_list("cause", flat=True)
    )
    for rule in rows:
        rule.unit, rule.overflows = DEFAULTS[rule.kind].unit, f"overflow:rule:{rule.pk}" in full
    return render(
        request,
        "monitoring/alert_rules.html",
        {
            "title": _("Alert rules"),
            "crumbs": _crumbs()[:1],
            "rules": rows,
            "form": form,
            "may_change": may,
            "several": len({rule.operator_id for rule in rows}) > 1,
        },
        status=422 if form is not None and form.errors else 200,
    )


def _find(request, pk) -> Rule:
    return get_object_or_404(
        Rule.objects.visible_to(request.access, "manage_sites").select_related("site", "operator"), pk=pk
    )


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def rule(request, pk):
    found = _find(request, pk)
    form = RuleForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved: %s") % found.get_kind_display())
        return redirect("ops:alert_rules")
    return render(
        request,
        "monitoring/form_page.html",
        {
            "title": found.get_kind_display(),
            "lede": found.site.name if found.site else found.operator.name,
            "crumbs": _crumbs(),
            "form": form,
            "submit": _("Save"),
            "cancel_url": reverse("ops:alert_rules"),
            "delete_url": reverse("ops:alert_rule_delete", args=[pk]) if found.site_id else "",
            "delete_words": _("Remove the site's own rule"),
        },
        status=422 if form.errors else 200,
    )


@ops_page("manage_sites")
@require_POST
def delete(request, pk):
    """A site's own rule; the operator's then counts there again. The operator's can only be switched off."""
    found = _find(request, pk)
    if found.site_id is None:
        messages.error(request, _("An operator's own rule can be switched off, not removed."))
        return redirect("ops:alert_rule", pk=pk)
    found.delete()
    messages.success(request, _("The operator's rule counts there again."))
    return redirect("ops:alert_rules")
