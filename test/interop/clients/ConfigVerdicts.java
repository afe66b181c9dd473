import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import kafka.server.KafkaConfig;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * What Kafka says to properties: a line in holds 'broker' or 'topic' and a properties file in base64, the
 * line out is empty or the complaint, in base64.
 */
public class ConfigVerdicts {
    public static void main(String[] args) throws Exception {
        Properties least = new Properties();
        least.put("zookeeper.connect", "localhost:2181");
        Map<?, ?> defaults = KafkaConfig.fromProps(least, false).extractLogConfigMap();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            Properties properties = new Properties();
            byte[] text = Base64.getDecoder().decode(words[1]);
            properties.load(new StringReader(new String(text, StandardCharsets.UTF_8)));
            String complaint = "";
            try {
                if (words[0].equals("broker")) KafkaConfig.fromProps(properties, false);
                else LogConfig.validate(Collections.emptyMap(), properties, defaults, false, true);
            } catch (Exception refused) {
                complaint = refused.getClass().getSimpleName() + ": " + refused.getMessage();
            }
            System.out.println(Base64.getEncoder().encodeToString(complaint.getBytes(StandardCharsets.UTF_8)));
        }
    }
}
