// Checks one request without a library, whatever bytes its body has.
//
//     WEBHOOK_SECRET=whsec_… java Plain.java <webhook-id> <webhook-timestamp> <webhook-signature> < body

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Plain {
  static final long TOLERANCE_S = 5 * 60;

  /** Throws unless the body is genuine and recent. */
  static void verify(String secret, String id, String timestamp, String signatures, byte[] body)
      throws GeneralSecurityException {
    long age = System.currentTimeMillis() / 1000 - Long.parseLong(timestamp);
    if (age > TOLERANCE_S || age < -TOLERANCE_S) throw new GeneralSecurityException("too old, or too new");
    byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
    byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes();
    // There can be several, with spaces between them.
    for (String signature : signatures.split(" "))
      if (MessageDigest.isEqual(signature.getBytes(), expected)) return;
    throw new GeneralSecurityException("no signature matches");
  }

  public static void main(String[] args) throws Exception {
    String secret = System.getenv("WEBHOOK_SECRET");
    verify(secret, args[0], args[1], args[2], System.in.readAllBytes());
    System.out.println("genuine");
  }
}
