"""Reading events back, as a portal does that missed a webhook."""

from .endpoints import endpoint, page
from .errors import malformed


@endpoint("GET /v1/events", "EventListParams")
def list_events(world, params):
    """Events, of the types asked for; `charge.*` names a family."""
    if "type" in params and "types" in params:
        raise malformed("You may only specify one of these parameters: type, types.")
    wanted = params.get("types") or ([params["type"]] if "type" in params else [])
    rows = [row for row in world.all("event") if not wanted or any(_matches(row, w) for w in wanted)]
    if "delivery_success" in params:
        rows = [row for row in rows if (row["pending_webhooks"] == 0) == params["delivery_success"]]
    return page(world, params, rows, "/v1/events")


@endpoint("GET /v1/events/{id}", "EventRetrieveParams")
def retrieve_event(world, params, id):
    """One event."""
    return world.get("event", id)


def _matches(event, wanted):
    if wanted.endswith("*"):
        return event["type"].startswith(wanted[:-1])
    return event["type"] == wanted
