import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command line tools by their main classes, one after the other in this one JVM, since
 * starting a JVM takes longer than most tools do. A line of input is a list of base64 words: standard
 * input of the tool, main class, arguments. A line of output is three: exit status, standard output,
 * standard error.
 */
public class JavaTools {
    /** The tool that runs now: its exit status once it has one. */
    static volatile CompletableFuture<Integer> status = new CompletableFuture<>();

    public static void main(String[] args) throws Exception {
        // A tool that ends the process must not go on, and some catch all that is thrown: its thread stays here.
        Exit.Procedure exit = (code, message) -> {
            status.complete(code);
            LockSupport.park();
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        PrintStream answers = System.out;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            List<String> words = new ArrayList<>();
            for (String word : line.split(" ", -1)) words.add(new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8));
            answers.println(run(words.get(0), words.get(1), words.subList(2, words.size())));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    static String run(String input, String mainClass, List<String> arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        System.setOut(new PrintStream(out, true));
        System.setErr(new PrintStream(err, true));
        int code = scala(out, err, () -> call(mainClass, arguments));
        return String.join(" ", encode(Integer.toString(code).getBytes()), encode(out.toByteArray()), encode(err.toByteArray()));
    }

    interface Tool { int run(); }

    /** Scala's println holds on to the standard output of its first use, so it is told of this one. */
    static int scala(ByteArrayOutputStream out, ByteArrayOutputStream err, Tool tool) {
        try {
            int[] code = new int[1];
            Class<?> console = Class.forName("scala.Console");
            Class<?> function = Class.forName("scala.Function0");
            Object inner = java.lang.reflect.Proxy.newProxyInstance(function.getClassLoader(), new Class<?>[] {function}, (proxy, method, args) -> {
                code[0] = tool.run();
                return null;
            });
            Object outer = java.lang.reflect.Proxy.newProxyInstance(function.getClassLoader(), new Class<?>[] {function}, (proxy, method, args) ->
                console.getMethod("withErr", java.io.OutputStream.class, function).invoke(null, err, inner));
            console.getMethod("withOut", java.io.OutputStream.class, function).invoke(null, out, outer);
            return code[0];
        } catch (ClassNotFoundException e) {
            return tool.run();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    static int call(String mainClass, List<String> arguments) {
        CompletableFuture<Integer> mine = new CompletableFuture<>();
        status = mine;
        Thread thread = new Thread(() -> {
            try {
                Class.forName(mainClass).getMethod("main", String[].class).invoke(null, (Object) arguments.toArray(new String[0]));
                mine.complete(0);
            } catch (InvocationTargetException e) {
                e.getCause().printStackTrace(System.err);
                mine.complete(1);
            } catch (Throwable e) {
                e.printStackTrace(System.err);
                mine.complete(1);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return mine.join();
    }

    static String encode(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
