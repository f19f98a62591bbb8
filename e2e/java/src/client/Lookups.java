package client;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Topic creation, queries by key and id, and offsets of queues, all through the producer's admin interface. */
final class Lookups {
    private Lookups() {
    }

    /** `create-topic`: topic, queues. Returns once the route shows every queue. */
    static Map<String, Object> createTopic(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        int queues = options.number("queues", 4);
        Compat.createTopic(producer, options.text("key", "TBW102"), options.text("topic"), queues);
        long deadline = System.currentTimeMillis() + 10_000;
        while (true) {
            try {
                int found = producer.fetchPublishMessageQueues(options.text("topic")).size();
                if (found == queues) {
                    return Json.object("queues", found);
                }
            } catch (Exception notYet) {
                if (System.currentTimeMillis() > deadline) {
                    throw notYet;
                }
            }
            if (System.currentTimeMillis() > deadline) {
                throw new IllegalStateException("route of the new topic did not show in time");
            }
            Thread.sleep(50);
        }
    }

    /** `query`: topic, key, max, expected. The index is built behind the log, so it is asked again for a while. */
    static Map<String, Object> query(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        long deadline = System.currentTimeMillis() + options.longNumber("timeoutMs", 10_000);
        String last = "";
        while (true) {
            List<Map<String, Object>> found = new ArrayList<>();
            try {
                producer.queryMessage(options.text("topic"), options.text("key"), options.number("max", 64), 0,
                    System.currentTimeMillis() + 60_000).getMessageList().forEach(m -> found.add(Received.of(m)));
            } catch (Exception notFound) {
                last = String.valueOf(notFound.getMessage());
            }
            if (found.size() >= options.number("expected", 1) || System.currentTimeMillis() > deadline) {
                return Json.object("found", found, "error", last);
            }
            Thread.sleep(100);
        }
    }

    /** `view`: topic, id (an offset id or a unique id). */
    static Map<String, Object> view(Options options) throws Exception {
        MessageExt message = Clients.producer(options).viewMessage(options.text("topic"), options.text("id"));
        return Json.object("message", message == null ? null : Received.of(message));
    }

    /** `offsets`: topic, timestamp. Minimum, maximum, earliest store time and the offset at a time, by queue. */
    static Map<String, Object> offsets(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        List<Map<String, Object>> queues = new ArrayList<>();
        for (MessageQueue queue : producer.fetchPublishMessageQueues(options.text("topic"))) {
            long earliest;
            try {
                earliest = producer.earliestMsgStoreTime(queue);
            } catch (Exception empty) {
                earliest = -1;
            }
            queues.add(Json.object("queueId", queue.getQueueId(), "min", producer.minOffset(queue),
                "max", producer.maxOffset(queue), "earliest", earliest,
                "at", producer.searchOffset(queue, options.longNumber("timestamp", 0))));
        }
        return Json.object("queues", queues);
    }
}
