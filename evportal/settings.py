"""Settings, all from the environment; docs/configuration.md has the table of them.

Without DATABASE_URL or REDIS_URL the portal runs on its embedded PostgreSQL and Valkey, whose files lie
in the DATA folder; that is what `make run` and `make test` do.
"""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from evportal import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA = embedded.data_dir()
DEMO = env.bool("DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)
_own = embedded.environment(DATA)
DATABASE_URL = env("DATABASE_URL", default=_own["DATABASE_URL"])
REDIS_URL = env("REDIS_URL", default=_own["REDIS_URL"])
#: Runs on the PostgreSQL of its own data folder: a demo, a test or a first look, not production.
EMBEDDED = _own["DATABASE_URL"] == DATABASE_URL


SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY and EMBEDDED:
    SECRET_KEY = embedded.secret_key(DATA)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("Set SECRET_KEY to at least 32 random characters.")
# After a change: what the old ones signed or encrypted stays readable (the certificate authority's keys).
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

PUBLIC_URL = env("PUBLIC_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}").rstrip("/")
HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
if "*" in ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured("ALLOWED_HOSTS=* is not safe: name the portal's hosts.")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "rest_framework",
    "evportal.accounts",
    "evportal.demo",
    "evportal.outbox",
    "stations",
    "bookings",
    "billing",
    "monitoring",
]

MIDDLEWARE = [
    "evportal.accounts.language.Restored",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "evportal.middleware.RequestId",
    "evportal.metrics.Timing",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "evportal.accounts.middleware.Access",
    "evportal.accounts.middleware.Acting",
    "evportal.accounts.language.OwnLanguage",
    "evportal.accounts.middleware.StaffNeedSecondFactor",
]

ROOT_URLCONF = "evportal.urls"
ASGI_APPLICATION = "evportal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evportal.context.portal",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": {
        **embedded.database_settings(DATABASE_URL),
        # ASGI runs each request in a thread of its own, where a kept connection would never be used
        # again: web processes share a pool instead (evportal/asgi.py sets its size).
        "CONN_MAX_AGE": 0 if env.int("DB_POOL", default=0) else env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
if env.int("DB_POOL", default=0):
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": env.int("DB_POOL"), "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "evportal",
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # A socket_timeout would cut consumers that simply have nothing to receive.
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 200}],
            "capacity": 1000,
            "expiry": 30,
            "prefix": "evp",
        },
    }
}

CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "stations.tasks.ingest": {"queue": "telemetry"},
    "stations.tasks.sweep_journal": {"queue": "telemetry"},
    # Files take minutes: money must not wait behind them.
    "billing.tasks.make_export": {"queue": "default"},
    "billing.tasks.bill_month*": {"queue": "default"},
    "billing.tasks.*": {"queue": "billing"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "global_keyprefix": "celery:"}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/me/"
LOGOUT_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "evportal.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or DEMO
# The demo's operators sign in with a password alone; everywhere else staff must have a second factor.
STAFF_MFA_REQUIRED = env.bool("STAFF_MFA_REQUIRED", default=not DEMO)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
#: What invoices can be written in (billing/documents/words.py).
DOCUMENT_LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("nl", "Nederlands"),
    ("es", "Español"),
    ("it", "Italiano"),
]
FORMAT_MODULE_PATH = "evportal.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
# The e-mail is unique whatever the letters' case, by a constraint that this check does not know of.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static" if env.bool("STATIC_MANIFEST", default=False) else None
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Firmware and chargers' logs: no address serves them by itself, a view decides who gets which.
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.path("PRIVATE_FILES", default=str(DATA / "private"))(),
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env.bool("STATIC_MANIFEST", default=False)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not env.bool("STATIC_MANIFEST", default=False)
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# Mail: every message is kept as a row (the demo shows them at /demo/mail/) and then goes to EMAIL_URL.
EMAIL_BACKEND = "evportal.outbox.backend.RecordingBackend"
_mail = env.email_url("EMAIL_URL", default="consolemail://")
OUTBOX_BACKEND = _mail.pop("EMAIL_BACKEND")
for name, value in _mail.items():
    globals()[name] = value
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="evportal <no-reply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
SUPPORT_EMAIL = env("SUPPORT_EMAIL", default="help@evportal.example")
HELP_PHONE = env("HELP_PHONE", default="+49 30 5550 100")
# Channels beside mail. ntfy servers and webhooks in a private network that may be asked: host or host:port.
NOTIFY_ALLOWED_HOSTS = env.list("NOTIFY_ALLOWED_HOSTS", default=[])
#: Who sends SMS, as an apprise address with {to} for the number; without it drivers are offered none.
NOTIFY_SMS_URL = env("NOTIFY_SMS_URL", default="")
#: The token of the portal's own Telegram bot.
NOTIFY_TELEGRAM_BOT = env("NOTIFY_TELEGRAM_BOT", default="")

STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY", default="sk_test_simulator")
STRIPE_WEBHOOK_SECRET = env("STRIPE_WEBHOOK_SECRET", default="whsec_simulator" if EMBEDDED else "")
STRIPE_API_BASE = env("STRIPE_API_BASE", default="")
if STRIPE_API_BASE and STRIPE_SECRET_KEY.startswith(("sk_live", "rk_live")):
    raise ImproperlyConfigured("STRIPE_API_BASE may not be set together with a live Stripe key.")
if not EMBEDDED and not STRIPE_WEBHOOK_SECRET:
    raise ImproperlyConfigured("Set STRIPE_WEBHOOK_SECRET: without it anybody could report payments.")

#: Asks a register whether a VAT id is anybody's, such as billing.vies.is_registered; empty: none is asked.
VAT_REGISTER = env("VAT_REGISTER", default="")
#: How long an accountant's export can be fetched again.
EXPORT_KEEP_DAYS = env.int("EXPORT_KEEP_DAYS", default=90)
#: How long a guest's link leads to their receipt, and how long we know their address after the charge.
GUEST_LINK_DAYS = env.int("GUEST_LINK_DAYS", default=400)
GUEST_DATA_DAYS = env.int("GUEST_DATA_DAYS", default=90)
#: Charges that may be begun as a guest from one address within ten minutes.
GUEST_STARTS_PER_ADDRESS = env.int("GUEST_STARTS_PER_ADDRESS", default=12)

MAP_TILE_URL = env("MAP_TILE_URL", default="")
MAP_TILE_ATTRIBUTION = env("MAP_TILE_ATTRIBUTION", default="")

# Chargers
OCPP_HEARTBEAT_SECONDS = env.int("OCPP_HEARTBEAT_SECONDS", default=300)
OCPP_METER_SECONDS = env.int("OCPP_METER_SECONDS", default=10 if DEMO else 30)
#: Read a charger's settings after its boot where they may have changed, and set up a new one.
OCPP_CONFIGURE_ON_BOOT = env.bool("OCPP_CONFIGURE_ON_BOOT", default=True)
OCPP_CALL_TIMEOUT = env.int("OCPP_CALL_TIMEOUT", default=30)
# Plain ws:// with a password (security profile 1) is for a closed network or the demo.
OCPP_ALLOW_PLAIN = env.bool("OCPP_ALLOW_PLAIN", default=not HTTPS)
#: An EVSE that is free again, though its session never ended: how long a late stop may still come.
LOST_STOP_MINUTES = env.int("LOST_STOP_MINUTES", default=1 if DEMO else 10)
# Certificates: who signs chargers' certificates, and who knows Plug & Charge contracts.
OCPP_CA = env("OCPP_CA", default="stations.certificates.local.LocalAuthority")
OCPP_CONTRACTS = env("OCPP_CONTRACTS", default="stations.certificates.contracts.NoProvider")
OCPP_CERTIFICATE_DAYS = env.int("OCPP_CERTIFICATE_DAYS", default=365)
OCPP_CERTIFICATE_RENEW_DAYS = env.int("OCPP_CERTIFICATE_RENEW_DAYS", default=30)
#: The header in which the proxy passes on the client certificate that it verified; only with TRUST_PROXY.
OCPP_CLIENT_CERT_HEADER = env("OCPP_CLIENT_CERT_HEADER", default="")
#: OCSP and CRL servers that may be asked although they are in a private network: host or host:port.
OCSP_ALLOWED_HOSTS = env.list("OCSP_ALLOWED_HOSTS", default=[])
#: What checks a VAT number that a charger asks about: a function of the number that says yes or no.
VAT_NUMBER_CHECK = env("VAT_NUMBER_CHECK", default="stations.paying.vat.is_well_formed")
JOURNAL_KEEP_DAYS = env.int("JOURNAL_KEEP_DAYS", default=90)
READINGS_KEEP_MONTHS = env.int("READINGS_KEEP_MONTHS", default=36)
EVENTS_KEEP_DAYS = env.int("EVENTS_KEEP_DAYS", default=730)

# Files that chargers fetch and leave
FIRMWARE_MAX_MB = env.int("FIRMWARE_MAX_MB", default=512)
#: How long a station may take from being told until it runs the new version; its address lives as long.
FIRMWARE_HOURS = env.int("FIRMWARE_HOURS", default=24)
LOG_MAX_MB = env.int("LOG_MAX_MB", default=100)
LOG_HOURS = env.int("LOG_HOURS", default=24)
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", default=90)
CUSTOMER_INFORMATION_KEEP_DAYS = env.int("CUSTOMER_INFORMATION_KEEP_DAYS", default=7)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "evportal.accounts.authentication.ApiKeyAuthentication",
        "evportal.accounts.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["evportal.rest.incoming.JSONParser"],
    # OPTIONS would describe forms to whoever asks; the schema does that.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "evportal.rest.pages.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "evportal.rest.schema.AutoSchema",
    "EXCEPTION_HANDLER": "evportal.rest.problems.problem_details",
    "DEFAULT_THROTTLE_CLASSES": ["evportal.rest.incoming.CallerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env("API_RATE", default="6000/min")},
    "PAGE_SIZE": 50,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "evportal API",
    "DESCRIPTION": "Sites, chargers, sessions, bookings and invoices of one charging operator.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Several resources have a “status”; without names their kinds would be numbered.
    "ENUM_NAME_OVERRIDES": {
        "EvseState": "stations.models.State",
        "ExportState": "billing.models.Export.State",
        "InvoiceKind": "billing.models.Invoice.Kind",
        "DisplayMessageState": "stations.models.DisplayMessage.State",
        "DisplayMessagePriority": "stations.models.DisplayMessage.Priority",
        "WorkOrderPriority": "monitoring.models.WorkOrder.Priority",
        "AlertKind": "monitoring.models.Kind",
        "AlertSeverity": "monitoring.models.Severity",
        "TeamChannelKind": "monitoring.notices.models.TeamChannel.Kind",
        "CertificateStatus": "stations.models.Certificate.Status",
        "CommandStatus": "stations.models.Command.Status",
        "CampaignState": "stations.models.Campaign.State",
        "CampaignStationState": "stations.models.CampaignStation.State",
        "FirmwareUpdateState": "stations.models.firmware.UPDATE_STATES",
        "LogState": "stations.models.LogRequest.State",
        "IdTokenStatus": "stations.models.IdToken.Status",
        "IdTokenType": "stations.models.IdToken.Type",
        "ReservationStatus": "stations.models.Reservation.Status",
        "InstalledProfileState": "stations.models.InstalledProfile.State",
        "MonitorState": "stations.models.Monitor.State",
        "MonitorType": "stations.models.MonitorType",
        "SubscriptionState": "billing.models.Subscription.State",
        "DisputeStatus": "billing.models.Dispute.Status",
        "PayoutStatus": "billing.models.Payout.Status",
        "DifferenceKind": "billing.models.Difference.Kind",
    },
}

UNFOLD = {
    "SITE_TITLE": "evportal",
    "SITE_HEADER": "evportal",
    "SITE_URL": "/ops/",
    "ENVIRONMENT": "evportal.context.environment_label",
    "SHOW_HISTORY": True,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/favicon.svg")},
    ],
}

# Browser security
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
# Revocation is asked about over plain HTTP: an answer is signed, and TLS would have to ask first.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^ocsp/", r"^crl/"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Browsers share cookies between the ports of a host: two checkouts side by side must not sign each other out.
_cookie_suffix = "" if HTTPS else f"_{env.int('PORT', default=8000)}"
SESSION_COOKIE_NAME = f"evportal_session{_cookie_suffix}"
CSRF_COOKIE_NAME = f"evportal_csrf{_cookie_suffix}"
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "evportal.errors.csrf_failure"
_checkout = [STRIPE_API_BASE] if STRIPE_API_BASE else ["https://checkout.stripe.com"]
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/", "/api/v1/docs/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *([MAP_TILE_URL.split("{")[0]] if MAP_TILE_URL else [])],
        "connect-src": [SELF, PUBLIC_URL.replace("http", "ws", 1)],
        "form-action": [SELF, *_checkout],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "object-src": [NONE],
    },
}

#: `json` for machines that read them: one object a line.
LOG_FORMAT = env("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured("LOG_FORMAT is either line or json.")
#: Who may read /metrics from elsewhere; empty: only this machine.
METRICS_TOKEN = env("METRICS_TOKEN", default="")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "evportal.logs.ContextFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s %(station)s] %(message)s"},
        "json": {"()": "evportal.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]},
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "uvicorn.error": {"level": "WARNING"},
    },
}
