"""Receives webhooks and believes only those that are genuine.

    pip install standardwebhooks
    WEBHOOK_SECRET=whsec_… python receiver.py
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
# Data is at most 1 MiB, which base64 makes longer. Whoever knows the URL could send without end.
BODY_BYTES_MAX = 2 * 1024 * 1024


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(413)
            return
        # The bytes as they came: JSON that was parsed and written again has another signature.
        body = self.rfile.read(int(length))
        try:
            webhook.verify(body, dict(self.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            print(f"refused: {error}", file=sys.stderr)
            self.answer(401)
            return
        # A delivery can come twice, after a crash here or there: then with the same webhook-id.
        print(self.headers["webhook-id"], body.decode(), flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "4000"))), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
