import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A Kafka cluster for JUnit, without Docker: one for all classes, new for each test. */
public class OdradekExtension implements BeforeAllCallback, BeforeEachCallback {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Process process; // kept: were it collected, its standard input would be closed
    private static String ready;

    @Override
    public synchronized void beforeAll(ExtensionContext context) throws Exception {
        if (ready != null) return;
        String command = System.getenv().getOrDefault("ODRADEK", "npx odradek");
        String[] words = (command + " cluster --json --exit-with-parent").split(" ");
        // It ends when its standard input does: when this JVM ends, however that comes about.
        process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        ready = process.inputReader().readLine();
        if (ready == null) throw new IllegalStateException("the cluster could not be started");
    }

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
        ask("reset", "{}");
    }

    /** One of the commands of /openapi.json; what it answers, as JSON. */
    public static String ask(String command, String json) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(field("adminUrl") + "/" + command))
            .POST(HttpRequest.BodyPublishers.ofString(json)).build();
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) throw new AssertionError(command + ": " + response.body());
        return response.body().strip();
    }

    public static String bootstrapServers() {
        return field("bootstrapServers");
    }

    private static String field(String name) {
        return ready.split("\"" + name + "\":\"")[1].split("\"")[0];
    }
}
