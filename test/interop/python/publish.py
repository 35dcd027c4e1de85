"""Publishes events with generated code, as any Python program would.

    PYTHONPATH=<generated code> python publish.py <host:port> unary|stream

Reads carillon.v1.PublishRequest, one a line in base64, and prints what became of each as JSON, in order.
"""

import base64
import json
import sys
from collections.abc import Iterable

import grpc
from carillon.v1 import event_pb2, event_pb2_grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

# Of each call, in seconds.
TIMEOUT = 60


def main() -> None:
    address, way = sys.argv[1:]
    requests = [event_pb2.PublishRequest.FromString(base64.b64decode(line)) for line in sys.stdin]
    with grpc.insecure_channel(address) as channel:
        events = event_pb2_grpc.EventServiceStub(channel)
        for answer in (unary if way == "unary" else stream)(events, requests):
            print(json.dumps(answer))


def unary(events: event_pb2_grpc.EventServiceStub, requests: list) -> Iterable[dict]:
    for request in requests:
        try:
            yield published(events.Publish(request, timeout=TIMEOUT))
        except grpc.RpcError as error:
            yield refused(rpc_status.from_call(error))


def stream(events: event_pb2_grpc.EventServiceStub, requests: list) -> Iterable[dict]:
    wrapped = (event_pb2.PublishStreamRequest(request=request) for request in requests)
    for answer in events.PublishStream(wrapped, timeout=TIMEOUT):
        result = answer.result
        yield refused(result.error) if result.HasField("error") else published(result.response)


def published(response: event_pb2.PublishResponse) -> dict:
    return {
        "id": response.id,
        "deliveryCount": response.delivery_count,
        "duplicate": response.duplicate,
    }


def refused(status: status_pb2.Status) -> dict:
    fields = []
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            fields.extend(violation.field for violation in bad.field_violations)
    return {"code": status.code, "message": status.message, "fields": fields}


if __name__ == "__main__":
    main()
