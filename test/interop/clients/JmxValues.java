import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import javax.management.Attribute;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Reads numbers of a JVM by JMX, over one connection to the URL that is its argument: JmxTool takes one for each look.
 * A line of input is patterns of object names with blanks between them, a line of output the numbers that there are:
 * object name, attribute and value, and tabs between all of these.
 */
public class JmxValues {
    public static void main(String[] args) throws Exception {
        MBeanServerConnection server = JMXConnectorFactory.connect(new JMXServiceURL(args[0])).getMBeanServerConnection();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            List<String> said = new ArrayList<>();
            for (String pattern : line.split(" ")) {
                for (ObjectName name : server.queryNames(new ObjectName(pattern), null)) {
                    List<String> attributes = new ArrayList<>();
                    for (MBeanAttributeInfo info : server.getMBeanInfo(name).getAttributes()) attributes.add(info.getName());
                    for (Attribute each : server.getAttributes(name, attributes.toArray(new String[0])).asList())
                        if (each.getValue() instanceof Number) said.add(name + "\t" + each.getName() + "\t" + each.getValue());
                }
            }
            System.out.println(String.join("\t", said));
        }
        Runtime.getRuntime().halt(0);
    }
}
