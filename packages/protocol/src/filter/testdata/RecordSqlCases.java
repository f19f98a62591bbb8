// Records what RocketMQ's own filter says about expressions. Reads lines `expression TAB name=value TAB …` (with \\, \t and
// \n escaped by a backslash), writes `result TAB line`: true, false, null, failed, or refused.
// java -cp "rocketmq-filter-5.5.0.jar:rocketmq-common-5.5.0.jar:guava.jar:…" RecordSqlCases.java < cases > results
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.parser.SelectorParser;

public class RecordSqlCases {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(resultOf(line.split("\t", -1)) + "\t" + line);
        }
        out.flush();
    }

    static String resultOf(String[] fields) {
        Map<String, Object> properties = new HashMap<>();
        for (int i = 1; i < fields.length; i++) {
            int equals = fields[i].indexOf('=');
            properties.put(fields[i].substring(0, equals), unescape(fields[i].substring(equals + 1)));
        }
        Expression expression;
        try {
            expression = SelectorParser.parse(unescape(fields[0]));
        } catch (Throwable refused) {
            return "refused";
        }
        try {
            return String.valueOf(expression.evaluate(new EvaluationContext() {
                public Object get(String name) {
                    return properties.get(name);
                }

                public Map<String, Object> keyValues() {
                    return properties;
                }
            }));
        } catch (Throwable failed) {
            return "failed";
        }
    }

    static String unescape(String text) {
        return text.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\\");
    }
}
