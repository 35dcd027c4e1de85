"""Visits a running Carillon with generated code, as any Python program would.

Prints what it saw as JSON: the `Visit` that test/interop/visit.ts describes and judges.

    PYTHONPATH=<generated code> python visit.py <host:port> <destination> <name>
"""

import json
import sys
import time
from datetime import datetime, timezone

import grpc
from carillon.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    schedule_pb2,
    webhook_pb2,
    webhook_pb2_grpc,
)
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

# Each call's own deadline, in seconds.
TIMEOUT = 30


def main() -> None:
    address, destination, name = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        print(json.dumps(visit(channel, destination, name)))


def visit(channel: grpc.Channel, destination: str, name: str) -> dict:
    webhooks = webhook_pb2_grpc.WebhookServiceStub(channel)
    deliveries = delivery_pb2_grpc.DeliveryServiceStub(channel)
    events = event_pb2_grpc.EventServiceStub(channel)
    seen: dict = {}

    registration = webhook_pb2.RegisterRequest(
        webhook=webhook_pb2.Webhook(
            name=name,
            destination=destination,
            schedule=schedule_pb2.Schedule(cron="0 0 1 1 *", time_zone="Europe/Vienna"),
            event_types=["visit.*"],
        )
    )
    registered = webhooks.Register(registration, timeout=TIMEOUT)
    webhook_id = registered.webhook.id
    seen["registered"] = registration_of(registered)
    seen["again"] = registration_of(webhooks.Register(registration, timeout=TIMEOUT))

    wrong = webhook_pb2.RegisterRequest(
        webhook=webhook_pb2.Webhook(name=name, destination="ftp://example.com/")
    )
    seen["refused"] = refusal_of(webhooks.Register, wrong)

    get = webhook_pb2.GetRequest(id=webhook_id)
    seen["name"] = webhooks.Get(get, timeout=TIMEOUT).webhook.name
    listed = webhooks.List(webhook_pb2.ListRequest(filter=f'name = "{name}"'), timeout=TIMEOUT)
    seen["listed"] = [webhook.id for webhook in listed.webhooks]

    after = Timestamp()
    after.FromDatetime(datetime(2030, 1, 1, tzinfo=timezone.utc))
    preview = webhooks.PreviewSchedule(
        webhook_pb2.PreviewScheduleRequest(id=webhook_id, count=2, after_time=after), timeout=TIMEOUT
    )
    seen["runTimes"] = [run_time.ToJsonString() for run_time in preview.run_times]

    updated = webhooks.Update(
        webhook_pb2.UpdateRequest(
            webhook=webhook_pb2.Webhook(id=webhook_id, labels={"visitor": name}),
            update_mask=FieldMask(paths=["labels"]),
        ),
        timeout=TIMEOUT,
    )
    seen["labels"] = dict(updated.webhook.labels)

    trigger = webhook_pb2.TriggerRequest(id=webhook_id)
    paused = webhooks.Pause(webhook_pb2.PauseRequest(id=webhook_id), timeout=TIMEOUT)
    seen["paused"] = webhook_pb2.Webhook.State.Name(paused.webhook.state)
    seen["triggeredWhilePaused"] = refusal_of(webhooks.Trigger, trigger)
    resumed = webhooks.Resume(webhook_pb2.ResumeRequest(id=webhook_id), timeout=TIMEOUT)
    seen["resumed"] = webhook_pb2.Webhook.State.Name(resumed.webhook.state)

    triggered = webhooks.Trigger(trigger, timeout=TIMEOUT)
    seen["triggered"] = triggered.delivery_id
    seen["delivery"] = finish(deliveries, triggered.delivery_id)

    data = Struct()
    data["visitor"] = name
    event = event_pb2.PublishRequest(
        event=event_pb2.Event(
            id=f"made-{webhook_id}", type="visit.made", json=Value(struct_value=data)
        )
    )
    seen["published"] = publication_of(events.Publish(event, timeout=TIMEOUT))
    seen["publishedAgain"] = publication_of(events.Publish(event, timeout=TIMEOUT))
    reserved = event_pb2.PublishRequest(event=event_pb2.Event(type="carillon.visit"))
    seen["refusedEvent"] = refusal_of(events.Publish, reserved)

    history = deliveries.ListDeliveries(
        delivery_pb2.ListDeliveriesRequest(filter=f"webhook_id = {webhook_id}"), timeout=TIMEOUT
    )
    seen["deliveries"] = [delivery.id for delivery in history.deliveries]
    seen["eventDelivery"] = finish(deliveries, seen["deliveries"][0])

    removed = webhooks.Remove(webhook_pb2.RemoveRequest(id=webhook_id), timeout=TIMEOUT)
    seen["removed"] = list(removed.ids)
    seen["missing"] = refusal_of(webhooks.Get, get)
    return seen


def finish(deliveries: delivery_pb2_grpc.DeliveryServiceStub, delivery_id: str) -> dict:
    """Asks until the delivery is no longer waiting."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        request = delivery_pb2.GetDeliveryRequest(id=delivery_id)
        delivery = deliveries.GetDelivery(request, timeout=TIMEOUT).delivery
        if delivery.state != delivery_pb2.Delivery.STATE_PENDING:
            return {
                "state": delivery_pb2.Delivery.State.Name(delivery.state),
                "statuses": [attempt.response_status for attempt in delivery.attempts],
            }
        time.sleep(0.02)
    raise TimeoutError(f"delivery {delivery_id} did not finish")


def registration_of(response: webhook_pb2.RegisterResponse) -> dict:
    return {"id": response.webhook.id, "secret": response.secret, "created": response.created}


def publication_of(response: event_pb2.PublishResponse) -> dict:
    return {
        "id": response.id,
        "deliveries": response.delivery_count,
        "duplicate": response.duplicate,
    }


def refusal_of(call, request) -> dict:
    """The code and the fields of google.rpc.BadRequest; code 0 when nothing was refused."""
    try:
        call(request, timeout=TIMEOUT)
    except grpc.RpcError as error:
        return {"code": error.code().value[0], "fields": bad_fields(error)}
    return {"code": 0, "fields": []}


def bad_fields(error: grpc.RpcError) -> list:
    fields = []
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            fields.extend(violation.field for violation in bad.field_violations)
    return fields


if __name__ == "__main__":
    main()
