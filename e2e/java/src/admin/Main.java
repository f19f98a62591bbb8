package admin;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Apache's mqadmin, many commands in one JVM. Reads `id TAB command TAB option=value TAB ...` lines (an empty value makes
 * a flag) and answers each with `{"id":..,"ok":true,"result":{"output":".."}}`, where output is everything the command
 * printed. mqadmin reports failures by printing a stack trace, so the reader judges the output.
 */
public final class Main {
    private static final PrintStream OUT = System.out;

    private Main() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        OUT.println("{\"ready\":true}");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t");
            String output = run(arguments(parts));
            OUT.println("{\"id\":\"" + parts[0] + "\",\"ok\":true,\"result\":{\"output\":" + quoted(output) + "}}");
            OUT.flush();
        }
        System.exit(0);
    }

    private static String[] arguments(String[] parts) {
        List<String> arguments = new ArrayList<>();
        arguments.add(parts[1]);
        for (int i = 2; i < parts.length; i++) {
            int at = parts[i].indexOf('=');
            arguments.add("-" + parts[i].substring(0, at));
            if (at + 1 < parts[i].length()) {
                arguments.add(parts[i].substring(at + 1));
            }
        }
        return arguments.toArray(new String[0]);
    }

    private static String run(String[] arguments) throws Exception {
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(captured, true, "UTF-8");
        PrintStream errors = System.err;
        System.setOut(stream);
        System.setErr(stream);
        try {
            MQAdminStartup.main0(arguments, null);
        } catch (Throwable error) {
            error.printStackTrace(stream);
        } finally {
            System.setErr(errors);
        }
        return captured.toString("UTF-8");
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
