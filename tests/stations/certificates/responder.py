"""Somebody else's OCSP responder and revocation list, on this machine."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp


class Responder:
    """`url` to ask; it signs with `key`, the issuer's unless told, and calls serials in `revoked` revoked."""

    def __init__(self, issuer):
        self.issuer, self.key, self.appointed = issuer, issuer.key, None
        self.revoked: set[int] = set()
        #: How often it was asked, and by how many at the same time.
        self.asked = self.now = self.most = 0
        self.status, self.location, self.delay, self.garbage = 200, "", 0.0, None
        self.next_update = timedelta(hours=1)
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.give(lambda: outer.answer(body))

            def do_GET(self):
                self.give(outer.crl)

            def give(self, make):
                with outer.lock:
                    outer.asked += 1
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                time.sleep(outer.delay)
                with outer.lock:
                    outer.now -= 1
                content = outer.garbage if outer.garbage is not None else make()
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/ocsp"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def pose_as(self, impostor):
        """Sign as somebody who only bears the issuer's name."""
        self.issuer, self.key = impostor, impostor.key

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: bytes) -> bytes:
        asked = ocsp.load_der_ocsp_request(body)
        revoked = asked.serial_number in self.revoked
        now = datetime.now(UTC).replace(microsecond=0)
        signer = self.appointed or self.issuer.certificate
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                asked.serial_number,
                asked.hash_algorithm,
                ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
                now - timedelta(minutes=1) + min(self.next_update, timedelta(0)) * 2,
                now + self.next_update,
                now if revoked else None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        )
        if self.appointed:
            builder = builder.certificates([self.appointed])
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def crl(self) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.certificate.subject)
            .last_update(now)
            .next_update(now + self.next_update)
        )
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)
