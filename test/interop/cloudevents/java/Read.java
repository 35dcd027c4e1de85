import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.cloudevents.CloudEvent;
import io.cloudevents.http.HttpMessageFactory;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;

/** Reads requests, a line of JSON each, with the CloudEvents SDK, and prints what they are to it. */
class Read {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(JSON.writeValueAsString(readOne(JSON.readTree(line))));
    }
  }

  private static ObjectNode readOne(JsonNode request) throws Exception {
    Map<String, String> headers = new HashMap<>();
    request.get("headers").fields().forEachRemaining(each -> headers.put(each.getKey(), each.getValue().asText()));
    byte[] body = Base64.getDecoder().decode(request.get("body").asText());
    ObjectNode printed = JSON.createObjectNode();
    try {
      CloudEvent event = HttpMessageFactory.createReader(headers, body).toEvent();
      printed.put("id", event.getId());
      printed.put("source", event.getSource().toString());
      printed.put("type", event.getType());
      printed.put("subject", event.getSubject());
      printed.put("tenant", (String) event.getExtension("tenant"));
      printed.put("time", event.getTime().toInstant().toEpochMilli());
      printed.put("bytes", event.getData() == null ? new byte[0] : event.getData().toBytes());
    } catch (RuntimeException refusal) {
      printed.put("refused", refusal.toString());
    }
    return printed;
  }
}
