import java.util.Base64;
import kafka.zk.DelegationTokenInfoZNode;
import org.apache.kafka.common.security.token.delegation.TokenInformation;

/** Reads the node of a delegation token with Kafka's own class, and writes it again: in base64, both. */
public class TokenNode {
    public static void main(String[] args) {
        byte[] given = Base64.getDecoder().decode(args[0]);
        TokenInformation token = DelegationTokenInfoZNode.decode(given).get();
        byte[] written = DelegationTokenInfoZNode.encode(token);
        System.out.println(Base64.getEncoder().encodeToString(written));
    }
}
