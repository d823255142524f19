"""The web process: pages and API over HTTP, browsers' `/live/` and chargers' `/ocpp/` over WebSocket."""

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")
os.environ.setdefault("DB_POOL", "24")

from django.core.asgi import get_asgi_application  # noqa: E402

django = get_asgi_application()

# Django must be set up before these are imported.
from channels.routing import URLRouter  # noqa: E402

from evportal.collector import seldom_collect  # noqa: E402
from monitoring.routing import websocket_urlpatterns  # noqa: E402
from stations.files.bodies import Bounded  # noqa: E402
from stations.ocpp.app import ChargerSockets  # noqa: E402
from stations.ocpp.threads import in_thread  # noqa: E402

log = logging.getLogger(__name__)

pages = Bounded(django)
chargers = ChargerSockets()
browsers = URLRouter(websocket_urlpatterns)


def warm_up() -> None:
    """The first query and the first template cost seconds; better before anybody waits."""
    from django.contrib.auth import get_user_model
    from django.template.loader import get_template

    get_user_model().objects.exists()
    get_template("base.html")


async def application(scope, receive, send):
    kind = scope["type"]
    if kind == "http":
        await pages(scope, receive, send)
    elif kind == "websocket":
        app = chargers if scope["path"].startswith("/ocpp/") else browsers
        await app(scope, receive, send)
    elif kind == "lifespan":
        await lifespan(receive, send)


async def lifespan(receive, send):
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            try:
                await in_thread(warm_up)
                await chargers.hub.start()
                seldom_collect()
            except Exception as error:
                log.exception("The portal can't start")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        else:
            await chargers.hub.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
