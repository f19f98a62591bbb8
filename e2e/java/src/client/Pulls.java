package client;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The two pull consumers of the Java client, both reading whole topics from explicit offsets. */
final class Pulls {
    private static final int EMPTY_POLLS_MAX = 40;
    private static final AtomicInteger INSTANCES = new AtomicInteger();

    private Pulls() {
    }

    /**
     * `lite-pull`: topic, group, expected, seek begin|end|committed|NUMBER. Assigns every queue, seeks, polls until
     * `expected` came, commits, and reports the committed offset of each queue as the broker holds it afterwards.
     */
    static Map<String, Object> lite(Options options) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(options.text("group"));
        prepare(consumer, options);
        consumer.setAutoCommit(false);
        consumer.start();
        try {
            Collection<MessageQueue> queues = consumer.fetchMessageQueues(options.text("topic"));
            consumer.assign(queues);
            for (MessageQueue queue : queues) {
                seek(consumer, queue, options.text("seek", "begin"));
            }
            // By place, because this consumer may have pulled once already when seek moves it back (4.9.8 does).
            Map<String, Object> received = new LinkedHashMap<>();
            int empty = 0;
            while (received.size() < options.number("expected", 0) && empty < EMPTY_POLLS_MAX) {
                List<MessageExt> messages = consumer.poll(250);
                empty = messages.isEmpty() ? empty + 1 : 0;
                messages.forEach(message -> received.put(place(message), Received.of(message)));
            }
            consumer.poll(300).forEach(message -> received.put(place(message), Received.of(message)));
            consumer.commitSync();
            return Json.object("received", received.values(), "committed", committed(consumer, queues));
        } finally {
            consumer.shutdown();
        }
    }

    /**
     * Pull consumers share a client object by instance name, and no producer keeps it alive: the one that stops last ends
     * it, also for one that is just starting. So each gets its own.
     */
    private static void prepare(ClientConfig consumer, Options options) {
        Clients.prepare(consumer, options);
        consumer.setInstanceName("pull" + INSTANCES.incrementAndGet());
    }

    private static String place(MessageExt message) {
        return message.getQueueId() + "/" + message.getQueueOffset();
    }

    private static void seek(DefaultLitePullConsumer consumer, MessageQueue queue, String where) throws Exception {
        switch (where) {
            case "begin":
                consumer.seekToBegin(queue);
                break;
            case "end":
                consumer.seekToEnd(queue);
                break;
            case "committed":
                break;
            default:
                consumer.seek(queue, Long.parseLong(where));
        }
    }

    private static Map<String, Object> committed(DefaultLitePullConsumer consumer, Collection<MessageQueue> queues)
        throws Exception {
        Map<String, Object> offsets = Json.object();
        long deadline = System.currentTimeMillis() + 3000;
        boolean found = false;
        // The commit travels one-way, so the broker may know it a moment later.
        while (!found && System.currentTimeMillis() < deadline) {
            for (MessageQueue queue : queues) {
                long offset = consumer.committed(queue);
                offsets.put(String.valueOf(queue.getQueueId()), offset);
                found |= offset > 0;
            }
            Thread.sleep(100);
        }
        return offsets;
    }

    /** `default-pull`: topic, group, expression, from. Pulls every queue from `from` until NO_NEW_MSG. */
    static Map<String, Object> plain(Options options) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(options.text("group"));
        prepare(consumer, options);
        consumer.start();
        try {
            List<Map<String, Object>> received = new ArrayList<>();
            List<Map<String, Object>> pulls = new ArrayList<>();
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(options.text("topic"))) {
                long offset = options.longNumber("from", 0);
                PullResult result;
                do {
                    result = consumer.pull(queue, options.text("expression", "*"), offset, options.number("batch", 8));
                    offset = result.getNextBeginOffset();
                    if (result.getMsgFoundList() != null) {
                        result.getMsgFoundList().forEach(message -> received.add(Received.of(message)));
                    }
                    pulls.add(Json.object("queueId", queue.getQueueId(), "status", result.getPullStatus(),
                        "next", offset, "min", result.getMinOffset(), "max", result.getMaxOffset()));
                } while (result.getPullStatus() == PullStatus.FOUND && pulls.size() < 1000);
                consumer.updateConsumeOffset(queue, offset);
            }
            return Json.object("received", received, "pulls", pulls);
        } finally {
            consumer.shutdown();
        }
    }
}
