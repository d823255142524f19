"""What every page may show: who is looking, where they may go, whom they may call."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

#: (label, URL name, permission); a page belongs to the entry whose address it begins with.
OPS = (
    ("Wallboard", "ops:wallboard", "view_ops"),
    ("Alerts", "ops:alerts", "view_alerts"),
    ("Chargers", "ops:chargers", "view_ops"),
    ("Sessions", "ops:sessions", "view_ops"),
    ("Calendar", "ops:calendar", "view_bookings"),
    ("Reports", "ops:reports", "view_ops"),
    ("Load", "ops:loads", "view_ops"),
    ("Finance", "fin:invoices", "view_money"),
    ("Tariffs", "tariffs:list", "view_ops"),
    ("Events", "ops:events", "view_ops"),
    ("Configuration", "ops:configuration", "view_messages"),
    ("Firmware", "ops:firmware", "view_ops"),
)
#: Behind “More”, so that the daily ones stay on one line.
RARE = frozenset({"tariffs:list", "ops:events", "ops:configuration", "ops:firmware"})


def portal(request):
    access = getattr(request, "access", None)
    in_ops = request.path.startswith(("/ops/", "/fin/", "/field/"))
    nav = _ops_nav(request, access) if in_ops else _driver_nav(request)
    return {
        "site_name": "evportal",
        "server_time": timezone.now(),
        "help_phone": settings.HELP_PHONE,
        "support_email": settings.SUPPORT_EMAIL,
        "demo": settings.DEMO,
        "nav_items": nav,
        "nav_has_more": any(item.get("rare") for item in nav),
        "nav_in_more": any(item.get("rare") and item["current"] for item in nav),
        "account_items": _account_items(request, access),
    }


#: Pages that the menu has no line for, and the line that they belong to.
BELONGS = {
    "/fin/": "/fin/invoices/",
    "/ops/bulk/": "/ops/chargers/",
    "/ops/commands/": "/ops/chargers/",
    "/ops/sites/": "/ops/load/",
    "/ops/notifications/": "/ops/alerts/",
    "/ops/work-orders/": "/ops/alerts/",
    "/field/": "/ops/alerts/",
    "/ops/uptime/": "/ops/reports/",
    "/ops/outages/": "/ops/reports/",
}


def _ops_nav(request, access):
    items = [
        {"label": _(label), "url": reverse(name), "rare": name in RARE}
        for label, name, permission in OPS
        if access and access.may(permission)
    ]
    if getattr(request.user, "is_staff", False):
        items.append({"label": _("Admin"), "url": reverse("admin:index"), "rare": True})
    path = request.path
    for beside, home in BELONGS.items():
        if path.startswith(beside):
            path = home
    current = max((item["url"] for item in items if path.startswith(item["url"])), key=len, default=None)
    for item in items:
        item["current"] = item["url"] == current
    return items


def _account_items(request, access):
    """What the account menu offers beside allauth's own pages: the other desk first, for who has two."""
    if not getattr(request.user, "is_authenticated", False):
        return []
    items = [
        {"label": _("My charging"), "url": reverse("me:home")},
        {"label": _("Cards"), "url": reverse("me:cards")},
        {"label": _("Vehicles"), "url": reverse("me:vehicles")},
        {"label": _("Charging cards (RFID)"), "url": reverse("me:tokens")},
        {"label": _("Notifications"), "url": reverse("me:notifications")},
        {"label": _("Calendars"), "url": reverse("me:calendar")},
    ]
    if access and access.may("view_money"):
        items.insert(0, {"label": _("Finance"), "url": reverse("fin:invoices")})
    if access and access.may("view_ops"):
        items.insert(0, {"label": _("Operations"), "url": reverse("ops:wallboard")})
    return items


def _driver_nav(request):
    user = getattr(request, "user", None)
    items = [{"label": _("Find"), "url": reverse("stations:find"), "current": request.path == "/"}]
    if user is not None and user.is_authenticated:
        items.append(
            {"label": _("My charging"), "url": reverse("me:home"), "current": request.path.startswith("/me/")}
        )
    return items


def environment_label(request):
    """Which installation this is, shown in the admin's header."""
    if settings.DEMO:
        return [_("Demo"), "info"]
    return [_("Development"), "warning"] if settings.DEBUG else [_("Production"), "danger"]
