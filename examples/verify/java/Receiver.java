// Receives webhooks and believes only those that are genuine.
//
//     mvn dependency:copy-dependencies -DoutputDirectory=lib
//     WEBHOOK_SECRET=whsec_… java -cp 'lib/*' Receiver.java

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

public class Receiver {
  /** Data is at most 1 MiB, which base64 makes longer. Whoever knows the URL could send without end. */
  static final int BODY_BYTES_MAX = 2 * 1024 * 1024;

  public static void main(String[] args) throws Exception {
    Webhook webhook = new Webhook(System.getenv("WEBHOOK_SECRET"));
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "4000"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/", exchange -> receive(webhook, exchange));
    server.start();
    System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
  }

  private static void receive(Webhook webhook, HttpExchange exchange) throws IOException {
    // The text as it came: JSON that was parsed and written again has another signature.
    byte[] bytes = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX);
    String body = new String(bytes, StandardCharsets.UTF_8);
    int status = 204;
    try {
      webhook.verify(body, exchange.getRequestHeaders());
      // A delivery can come twice, after a crash here or there: then with the same webhook-id.
      System.out.println(exchange.getRequestHeaders().getFirst("webhook-id") + " " + body);
    } catch (WebhookVerificationException error) {
      System.err.println("refused: " + error.getMessage());
      status = 401;
    }
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }
}
