package client;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * `start-consumer`: name, topic, group, expression, type TAG|SQL92, orderly, model, from FIRST|LAST, fail (how many
 * deliveries of each message are refused; -1 = all), maxReconsume, batch. `await-consumer` waits until `expected`
 * messages came (timeoutMs) and then `settleMs` for extra ones. `stop-consumer` returns what came and shuts down.
 * `owned` names the queues a consumer has now. With stream=true each delivery is also a line of its own, at once, so that
 * it is known of a process that is killed.
 */
final class PushConsumers {
    private static final Map<String, Running> RUNNING = new ConcurrentHashMap<>();

    private PushConsumers() {
    }

    private static final class Running {
        final DefaultMQPushConsumer consumer;
        final int fail;
        final String streamName;
        final List<Map<String, Object>> received = Collections.synchronizedList(new ArrayList<>());

        Running(DefaultMQPushConsumer consumer, int fail, String streamName) {
            this.consumer = consumer;
            this.fail = fail;
            this.streamName = streamName;
        }

        /** Logs the messages and says whether this delivery counts as consumed. */
        boolean take(List<MessageExt> messages) {
            boolean consumed = true;
            for (MessageExt message : messages) {
                if (streamName != null) {
                    Main.print(Json.of(Json.object("got", streamName, "broker", message.getBrokerName(),
                        "queueId", message.getQueueId(), "queueOffset", message.getQueueOffset(),
                        "body", new String(message.getBody(), StandardCharsets.UTF_8),
                        "at", System.currentTimeMillis())));
                } else {
                    received.add(Received.of(message));
                }
                consumed &= fail >= 0 && message.getReconsumeTimes() >= fail;
            }
            return consumed;
        }
    }

    static Map<String, Object> start(Options options) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(options.text("group"));
        Clients.prepare(consumer, options);
        Compat.setMessageModel(consumer, options.text("model", "CLUSTERING"));
        consumer.setConsumeFromWhere(options.text("from", "FIRST").equals("FIRST")
            ? ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET : ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        consumer.setMaxReconsumeTimes(options.number("maxReconsume", -1));
        consumer.setConsumeMessageBatchMaxSize(options.number("batch", 1));
        consumer.setSuspendCurrentQueueTimeMillis(100);
        Running running = new Running(consumer, options.number("fail", 0),
            options.flag("stream") ? options.text("name") : null);
        if (options.flag("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) ->
                running.take(messages) ? ConsumeOrderlyStatus.SUCCESS
                    : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
                running.take(messages) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS
                    : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        }
        String expression = options.text("expression", "*");
        if (options.text("type", "TAG").equals("SQL92")) {
            consumer.subscribe(options.text("topic"), MessageSelector.bySql(expression));
        } else {
            consumer.subscribe(options.text("topic"), expression);
        }
        consumer.start();
        RUNNING.put(options.text("name"), running);
        return Json.object("clientId", consumer.buildMQClientId());
    }

    static Map<String, Object> await(Options options) throws Exception {
        Running running = find(options);
        long deadline = System.currentTimeMillis() + options.longNumber("timeoutMs", 30_000);
        int expected = options.number("expected", 0);
        while (running.received.size() < expected && System.currentTimeMillis() < deadline) {
            Thread.sleep(20);
        }
        Thread.sleep(options.longNumber("settleMs", 300));
        return snapshot(running);
    }

    static Map<String, Object> stop(Options options) {
        Running running = find(options);
        RUNNING.remove(options.text("name"));
        running.consumer.shutdown();
        return snapshot(running);
    }

    static Map<String, Object> owned(Options options) {
        List<Map<String, Object>> queues = new ArrayList<>();
        find(options).consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()
            .forEach(queue -> queues.add(Json.object("topic", queue.getTopic(), "brokerName", queue.getBrokerName(),
                "queueId", queue.getQueueId())));
        return Json.object("owned", queues);
    }

    private static Running find(Options options) {
        Running running = RUNNING.get(options.text("name"));
        if (running == null) {
            throw new IllegalArgumentException("no consumer named " + options.text("name"));
        }
        return running;
    }

    private static Map<String, Object> snapshot(Running running) {
        synchronized (running.received) {
            return Json.object("received", new ArrayList<>(running.received));
        }
    }
}
