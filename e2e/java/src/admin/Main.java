package admin;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
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
    private static final String LIMIT = "limitMs=";
    private static final long LIMIT_MS = 60_000;
    private static final long INTERRUPTED_MS = 15_000;
    private static final PrintStream OUT = System.out;

    private Main() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        OUT.println("{\"ready\":true}");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t");
            String output = run(arguments(parts), limitMs(parts));
            OUT.println("{\"id\":\"" + parts[0] + "\",\"ok\":true,\"result\":{\"output\":" + quoted(output) + "}}");
            OUT.flush();
        }
        System.exit(0);
    }

    private static long limitMs(String[] parts) {
        for (String part : parts) {
            if (part.startsWith(LIMIT)) {
                return Long.parseLong(part.substring(LIMIT.length()));
            }
        }
        return LIMIT_MS;
    }

    private static String[] arguments(String[] parts) {
        List<String> arguments = new ArrayList<>();
        arguments.add(parts[1]);
        for (int i = 2; i < parts.length; i++) {
            int at = parts[i].indexOf('=');
            if (parts[i].startsWith(LIMIT)) {
                continue;
            }
            arguments.add("-" + parts[i].substring(0, at));
            if (at + 1 < parts[i].length()) {
                arguments.add(parts[i].substring(at + 1));
            }
        }
        return arguments.toArray(new String[0]);
    }

    /** Some commands repeat themselves for ever: `limitMs=N` ends them and answers with what they printed. */
    private static String run(String[] arguments, long limitMs) throws Exception {
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(captured, true, "UTF-8");
        PrintStream errors = System.err;
        System.setOut(stream);
        System.setErr(stream);
        Thread command = new Thread(() -> {
            try {
                forgetCommands();
                MQAdminStartup.main0(arguments, null);
            } catch (Throwable error) {
                error.printStackTrace(stream);
            }
        });
        command.setDaemon(true);
        command.start();
        command.join(limitMs);
        String output = captured.toString("UTF-8");
        command.interrupt();
        command.join(INTERRUPTED_MS);
        System.setErr(errors);
        return output;
    }

    /**
     * mqadmin is made for one command a process: command objects keep the client of their first use, which they shut down.
     * Without its table it registers new ones.
     */
    private static void forgetCommands() throws ReflectiveOperationException {
        Field commands = MQAdminStartup.class.getDeclaredField("SUB_COMMANDS");
        commands.setAccessible(true);
        ((List<?>) commands.get(null)).clear();
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
