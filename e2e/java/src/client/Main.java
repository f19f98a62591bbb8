package client;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The unmodified RocketMQ Java client under a line protocol, so that one JVM serves a whole test file.
 *
 * <pre>
 *   java client.Main COMMAND key=value ...      runs one command, prints its JSON line, exits 0 or 1
 *   java client.Main serve                      reads `id TAB command TAB key=value TAB ...` lines until end of input,
 *                                               answers each with `{"id":..,"ok":..,"result":..}` in order of completion
 * </pre>
 */
public final class Main {
    private static final PrintStream OUT = System.out;

    private Main() {
    }

    public static void main(String[] args) throws Exception {
        // Client libraries may print; only JSON lines may reach the real standard output.
        System.setOut(System.err);
        if (args.length == 1 && args[0].equals("serve")) {
            serve();
            System.exit(0);
        }
        String answer = answer("0", args[0], Arrays.copyOfRange(args, 1, args.length));
        print(answer);
        System.exit(answer.contains("\"ok\":true") ? 0 : 1);
    }

    private static void serve() throws Exception {
        ExecutorService pool = Executors.newCachedThreadPool();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        print("{\"ready\":true}");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t");
            if (parts.length < 2) {
                continue;
            }
            pool.submit(() -> print(answer(parts[0], parts[1], Arrays.copyOfRange(parts, 2, parts.length))));
        }
    }

    private static String answer(String id, String command, String[] pairs) {
        try {
            Object result = run(command, new Options(pairs));
            return Json.of(Json.object("id", id, "ok", true, "result", result));
        } catch (Throwable error) {
            error.printStackTrace();
            StringBuilder text = new StringBuilder();
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage()).append("; ");
            }
            return Json.of(Json.object("id", id, "ok", false, "error", text.toString()));
        }
    }

    static synchronized void print(String line) {
        OUT.println(line);
        OUT.flush();
    }

    private static Map<String, Object> run(String command, Options options) throws Exception {
        switch (command) {
            case "create-topic":
                return Lookups.createTopic(options);
            case "send":
                return Sends.send(options);
            case "send-transactions":
                return Transactions.send(options);
            case "release-transactions":
                return Transactions.release(options);
            case "asked-transactions":
                return Transactions.asked(options);
            case "stop-transactions":
                return Transactions.stop(options);
            case "start-replier":
                return Requests.startReplier(options);
            case "stop-replier":
                return Requests.stopReplier(options);
            case "request":
                return Requests.request(options);
            case "start-consumer":
                return PushConsumers.start(options);
            case "await-consumer":
                return PushConsumers.await(options);
            case "stop-consumer":
                return PushConsumers.stop(options);
            case "owned":
                return PushConsumers.owned(options);
            case "lite-pull":
                return Pulls.lite(options);
            case "default-pull":
                return Pulls.plain(options);
            case "query":
                return Lookups.query(options);
            case "view":
                return Lookups.view(options);
            case "offsets":
                return Lookups.offsets(options);
            case "shutdown-producers":
                return Clients.shutdown();
            default:
                throw new IllegalArgumentException("unknown command " + command);
        }
    }
}
