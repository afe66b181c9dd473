import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.URIParameter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

/**
 * What Java makes of JAAS files, and Kafka of JAAS configs. A line of input is `file` or `config` and a text in base64;
 * of a file the section `Section` is told. A line of output is `refused`, or the modules, each followed by its options
 * in their order, all in base64: `module key value key value;`.
 */
public class JaasTexts {
    public static void main(String[] args) throws Exception {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] words = line.split(" ", -1);
            String text = new String(Base64.getDecoder().decode(words[1]), StandardCharsets.UTF_8);
            System.out.println(answer(words[0], text));
        }
    }

    static String answer(String kind, String text) {
        try {
            StringBuilder said = new StringBuilder();
            for (AppConfigurationEntry entry : kind.equals("file") ? ofFile(text) : ofConfig(text)) {
                said.append(encode(entry.getLoginModuleName()));
                for (Map.Entry<String, ?> option : new TreeMap<>(entry.getOptions()).entrySet())
                    said.append(' ').append(encode(option.getKey())).append(' ').append(encode((String) option.getValue()));
                said.append(';');
            }
            return said.toString();
        } catch (Exception refused) {
            return "refused";
        }
    }

    static List<AppConfigurationEntry> ofFile(String text) throws Exception {
        Path file = Files.createTempFile("jaas", ".conf");
        try {
            Files.writeString(file, text);
            Configuration read = Configuration.getInstance("JavaLoginConfig", new URIParameter(file.toUri()));
            AppConfigurationEntry[] found = read.getAppConfigurationEntry("Section");
            return found == null ? new ArrayList<>() : List.of(found);
        } finally {
            Files.delete(file);
        }
    }

    static List<AppConfigurationEntry> ofConfig(String text) {
        return JaasContext.loadClientContext(Map.of(SaslConfigs.SASL_JAAS_CONFIG, new Password(text))).configurationEntries();
    }

    static String encode(String word) {
        return Base64.getEncoder().encodeToString(word.getBytes(StandardCharsets.UTF_8));
    }
}
