"""The table of endpoints, filled by the modules that serve them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .errors import invalid
from .render import render


@dataclass(frozen=True)
class Endpoint:
    """One method and path of the API, the SDK's name for its parameters, and who serves it."""

    method: str
    pattern: re.Pattern
    params: str
    serve: Callable


ENDPOINTS: list[Endpoint] = []


def endpoint(route: str, params: str):
    """Serve `route` ("POST /v1/refunds/{id}"); `params` names a class in `stripe.params`."""
    method, path = route.split()
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "/?$")

    def register(serve):
        ENDPOINTS.append(Endpoint(method, pattern, params, serve))
        return serve

    return register


def find(method: str, path: str):
    """The endpoint for a request and the ids in its path, or None."""
    for candidate in ENDPOINTS:
        match = candidate.pattern.match(path)
        if match and candidate.method == method:
            return candidate, match.groupdict()
    return None


def readable(kind, path, prefix, filters=()):
    """Register `GET path` and `GET path/{id}`, which are alike for every kind of object."""

    @endpoint(f"GET {path}", f"{prefix}ListParams")
    def listing(world, params):
        return page(world, params, world.all(kind), path, filters)

    @endpoint(f"GET {path}/{{id}}", f"{prefix}RetrieveParams")
    def retrieve(world, params, id):
        return world.get(kind, id)


def page(world, params, rows, url, filters=()) -> dict:
    """Stripe's list object: newest first, cut by `limit`, `starting_after` and `ending_before`."""
    rows = list(reversed(rows))
    for name in filters:
        if name in params:
            rows = [row for row in rows if row.get(name) == params[name]]
    if "created" in params:
        rows = [row for row in rows if _within(row["created"], params["created"])]
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100.", param="limit")
    ids = [row["id"] for row in rows]
    for cursor in ("starting_after", "ending_before"):
        if cursor in params and params[cursor] not in ids:
            raise invalid(f"No such object: '{params[cursor]}'", code="resource_missing", param=cursor)
    if "ending_before" in params:
        before = rows[: ids.index(params["ending_before"])]
        shown, more = before[-limit:], len(before) > limit
    else:
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        shown, more = rows[start : start + limit], len(rows) > start + limit
    return {"object": "list", "data": [render(world, row) for row in shown], "has_more": more, "url": url}


def _within(at, wanted) -> bool:
    if isinstance(wanted, int):
        return at == wanted
    bounds = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
    return all(bounds[name](at, limit) for name, limit in wanted.items())


def whole(rows, url) -> dict:
    """A list object embedded in another object."""
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def merge_metadata(obj, params):
    """Stripe merges metadata key by key; an empty value unsets a key, an empty string all of them."""
    if "metadata" not in params:
        return
    if params["metadata"] == "":
        obj["metadata"] = {}
        return
    merged = {**obj["metadata"], **params["metadata"]}
    obj["metadata"] = {key: value for key, value in merged.items() if value != ""}
    if len(obj["metadata"]) > 50:
        raise invalid("Metadata can have at most 50 keys.", param="metadata")


def metadata(params) -> dict:
    """The metadata of a new object."""
    obj = {"metadata": {}}
    merge_metadata(obj, params)
    return obj["metadata"]
