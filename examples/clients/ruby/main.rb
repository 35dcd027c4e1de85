require "carillon/v1/event_services_pb"
require "carillon/v1/webhook_services_pb"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
include Carillon::V1

webhooks = WebhookService::Stub.new("127.0.0.1:8091", :this_channel_is_insecure)
events = EventService::Stub.new("127.0.0.1:8091", :this_channel_is_insecure)

webhook = Webhook.new(
  id: "shop", name: "shop", destination: "http://127.0.0.1:8090/inbox/shop", event_types: ["order.*"]
)
registered = webhooks.register(RegisterRequest.new(webhook: webhook))
puts "registered #{registered.webhook.id} #{registered.secret}"
puts "listed #{webhooks.list(ListRequest.new).webhooks[0].id}"

order = Google::Protobuf::Value.from_ruby({"order" => 1001, "total" => 42})
event = Event.new(id: "order-1001", type: "order.paid", json: order)
published = events.publish(PublishRequest.new(event: event))
puts "published #{published.id} #{published.delivery_count}"

begin
  webhooks.get(GetRequest.new(id: "nothing"))
rescue GRPC::NotFound => error
  error.to_rpc_status.details.each do |detail|
    resource = detail.unpack(Google::Rpc::ResourceInfo)
    puts "NOT_FOUND #{resource.resource_type} #{resource.resource_name}" if resource
  end
end

puts "removed #{webhooks.remove(RemoveRequest.new(id: "shop")).ids[0]}"
