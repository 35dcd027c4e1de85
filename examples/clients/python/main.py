import grpc
from carillon.v1 import event_pb2, event_pb2_grpc, webhook_pb2, webhook_pb2_grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value
from google.rpc.error_details_pb2 import ResourceInfo
from grpc_status import rpc_status

channel = grpc.insecure_channel("127.0.0.1:8091")
webhooks = webhook_pb2_grpc.WebhookServiceStub(channel)
events = event_pb2_grpc.EventServiceStub(channel)

webhook = webhook_pb2.Webhook(
    id="shop", name="shop", destination="http://127.0.0.1:8090/inbox/shop", event_types=["order.*"]
)
registered = webhooks.Register(webhook_pb2.RegisterRequest(webhook=webhook))
print("registered", registered.webhook.id, registered.secret)
print("listed", webhooks.List(webhook_pb2.ListRequest()).webhooks[0].id)

order = ParseDict({"order": 1001, "total": 42}, Value())
event = event_pb2.Event(id="order-1001", type="order.paid", json=order)
published = events.Publish(event_pb2.PublishRequest(event=event))
print("published", published.id, published.delivery_count)

try:
    webhooks.Get(webhook_pb2.GetRequest(id="nothing"))
except grpc.RpcError as error:
    for detail in rpc_status.from_call(error).details:
        resource = ResourceInfo()
        if detail.Unpack(resource):
            print(error.code().name, resource.resource_type, resource.resource_name)

print("removed", webhooks.Remove(webhook_pb2.RemoveRequest(id="shop")).ids[0])
