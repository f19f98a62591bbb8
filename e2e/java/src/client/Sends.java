package client;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * `send`: topic, count, prefix (bodies are prefix-0, prefix-1, ...), mode sync|async|oneway|batch|ordered, tags (a comma
 * list dealt round robin), keys (a prefix), delayLevel, size (bodies are padded to it), property.NAME (values may hold
 * `#`, replaced by the message's number). In `ordered` mode the number modulo `shards` selects the queue.
 */
final class Sends {
    private Sends() {
    }

    static Map<String, Object> send(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < options.number("count", 1); i++) {
            messages.add(message(options, i));
        }
        switch (options.text("mode", "sync")) {
            case "sync":
                return results(sendSync(producer, messages));
            case "async":
                return results(sendAsync(producer, messages));
            case "oneway":
                for (Message message : messages) {
                    producer.sendOneway(message);
                }
                return Json.object("sent", Collections.emptyList());
            case "batch":
                return results(Collections.singletonList(item("", producer.send(messages))));
            case "ordered":
                return results(sendOrdered(producer, messages, options.number("shards", 4)));
            default:
                throw new IllegalArgumentException("unknown mode " + options.text("mode"));
        }
    }

    private static Message message(Options options, int index) {
        StringBuilder body = new StringBuilder(options.text("prefix", "message") + "-" + index);
        while (body.length() < options.number("size", 0)) {
            body.append((char) ('a' + body.length() % 26));
        }
        Message message = new Message(options.text("topic"), body.toString().getBytes(StandardCharsets.UTF_8));
        if (options.has("tags")) {
            String[] tags = options.text("tags").split(",");
            message.setTags(tags[index % tags.length]);
        }
        if (options.has("keys")) {
            message.setKeys(Arrays.asList(options.text("keys") + "-" + index, options.text("keys") + "-all"));
        }
        if (options.has("delayLevel")) {
            message.setDelayTimeLevel(options.number("delayLevel", 0));
        }
        options.startingWith("property.")
            .forEach((name, value) -> message.putUserProperty(name, value.replace("#", String.valueOf(index))));
        return message;
    }

    private static List<Map<String, Object>> sendSync(DefaultMQProducer producer, List<Message> messages)
        throws Exception {
        List<Map<String, Object>> items = new ArrayList<>();
        for (Message message : messages) {
            items.add(item(text(message), producer.send(message)));
        }
        return items;
    }

    private static List<Map<String, Object>> sendAsync(DefaultMQProducer producer, List<Message> messages)
        throws Exception {
        List<Map<String, Object>> items = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch left = new CountDownLatch(messages.size());
        for (Message message : messages) {
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    items.add(item(text(message), result));
                    left.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    items.add(Json.object("body", text(message), "status", "FAILED", "error", String.valueOf(error)));
                    left.countDown();
                }
            });
        }
        if (!left.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("asynchronous sends not answered: " + left.getCount());
        }
        return items;
    }

    private static List<Map<String, Object>> sendOrdered(
        DefaultMQProducer producer, List<Message> messages, int shards) throws Exception {
        List<Map<String, Object>> items = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            SendResult result = producer.send(
                messages.get(i), (queues, message, shard) -> queues.get((int) shard % queues.size()), i % shards);
            items.add(item(text(messages.get(i)), result));
        }
        return items;
    }

    private static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static Map<String, Object> item(String body, SendResult result) {
        return Json.object("body", body, "status", result.getSendStatus(), "msgId", result.getMsgId(),
            "offsetMsgId", result.getOffsetMsgId(), "brokerName", result.getMessageQueue().getBrokerName(),
            "queueId", result.getMessageQueue().getQueueId(), "queueOffset", result.getQueueOffset());
    }

    private static Map<String, Object> results(List<Map<String, Object>> items) {
        return Json.object("sent", items);
    }
}
