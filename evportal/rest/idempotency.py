"""`Idempotency-Key`: a POST repeated with the same key gets the first answer again."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import orjson
from django.core.cache import cache
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from evportal.rest.problems import Refused

KEPT_SECONDS = 24 * 3600
#: A process that died while answering must not block its caller's repeats for a day. No answer takes
#: longer than this: a command's wait is capped at a minute.
UNDER_WAY_SECONDS = 180
MAX_LENGTH = 255


class IdempotentPost:
    """A view mixin. A key counts per caller and address; only what succeeded is kept.

    What was refused changed nothing, so its repeat is tried anew: the slot that was taken may be free by now.
    `not_kept` are actions whose answers are to be had once, so that the key counts for nothing there.
    """

    not_kept: frozenset[str] = frozenset()

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key", "")
        is_kept = request.method == "POST" and self.action not in self.not_kept
        if not is_kept or not key or getattr(self, "post", None) is None:
            return
        if len(key) > MAX_LENGTH:
            raise exceptions.ValidationError({"Idempotency-Key": f"At most {MAX_LENGTH} characters."})
        # The view is made for this one request, so its handler can be wrapped in place: by now it is known
        # who calls, and what goes wrong inside still becomes a problem document.
        self.post = partial(self._once, key, self.post)

    def _once(self, key, handler, request, *args, **kwargs):
        body = sha256(request._request.body).hexdigest()
        caller = f"{type(request.user).__name__}{request.user.pk}"
        slot = "idempotency:" + sha256(f"{caller}|{request.path}|{key}".encode()).hexdigest()
        if not cache.add(slot, {"body": body}, UNDER_WAY_SECONDS):
            return self._again(cache.get(slot), body)
        try:
            response = handler(request, *args, **kwargs)
        except BaseException:
            cache.delete(slot)
            raise
        if response.status_code >= 400:
            cache.delete(slot)
        else:
            # Kept as it went over the wire, so that the repeat can't differ from it.
            answer = {"status": response.status_code, "data": JSONRenderer().render(response.data)}
            cache.set(slot, {"body": body, "answer": answer}, KEPT_SECONDS)
        return response

    @staticmethod
    def _again(kept, body) -> Response:
        if kept and kept["body"] != body:
            raise Refused(
                "This Idempotency-Key was used with another request.", status_code=422, code="key_reused"
            )
        if not kept or "answer" not in kept:
            raise Refused("The first request with this Idempotency-Key is still under way.", code="under_way")
        answer = kept["answer"]
        data = orjson.loads(answer["data"]) if answer["data"] else None
        return Response(data, status=answer["status"], headers={"Idempotent-Replayed": "true"})
