"""Reads requests, a line of JSON each, with both APIs of the CloudEvents SDK, and prints what they are to it."""

import base64
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.v1.http import from_http

for line in sys.stdin:
    request = json.loads(line)
    headers, body = request["headers"], base64.b64decode(request["body"])
    core = from_http_event(HTTPMessage(headers=headers, body=body))
    names = ("id", "source", "type", "subject", "tenant")
    attributes = core.get_attributes()
    v1 = from_http(headers, body)
    data = core.get_data()
    printed = {
        "core": {name: attributes.get(name) for name in names},
        "v1": {name: v1.get(name) for name in names},
        "time": round(attributes["time"].timestamp() * 1000),
        "data": base64.b64encode(data).decode() if isinstance(data, bytes) else data,
    }
    print(json.dumps(printed))
