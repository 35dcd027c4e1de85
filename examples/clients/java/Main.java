import com.carillon.v1.*;
import com.google.rpc.ResourceInfo;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

public class Main {
  public static void main(String[] args) throws Exception {
    var channel = Grpc.newChannelBuilder("127.0.0.1:8091", InsecureChannelCredentials.create()).build();
    var webhooks = WebhookServiceGrpc.newBlockingStub(channel);
    var events = EventServiceGrpc.newBlockingStub(channel);

    var webhook = Webhook.newBuilder().setId("shop").setName("shop")
        .setDestination("http://127.0.0.1:8090/inbox/shop").addEventTypes("order.*");
    var registered = webhooks.register(RegisterRequest.newBuilder().setWebhook(webhook).build());
    System.out.println("registered " + registered.getWebhook().getId() + " " + registered.getSecret());
    var listed = webhooks.list(ListRequest.getDefaultInstance());
    System.out.println("listed " + listed.getWebhooks(0).getId());

    var event = Event.newBuilder().setId("order-1001").setType("order.paid")
        .setText("{\"order\":1001,\"total\":42}").setContentType("application/json");
    var published = events.publish(PublishRequest.newBuilder().setEvent(event).build());
    System.out.println("published " + published.getId() + " " + published.getDeliveryCount());

    try {
      webhooks.get(GetRequest.newBuilder().setId("nothing").build());
    } catch (StatusRuntimeException error) {
      for (var detail : StatusProto.fromThrowable(error).getDetailsList())
        if (detail.is(ResourceInfo.class)) {
          var resource = detail.unpack(ResourceInfo.class);
          var status = error.getStatus().getCode();
          System.out.println(status + " " + resource.getResourceType() + " " + resource.getResourceName());
        }
    }

    var removed = webhooks.remove(RemoveRequest.newBuilder().setId("shop").build());
    System.out.println("removed " + removed.getIds(0));
    channel.shutdownNow();
  }
}
