package client;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * `start-replier`: name, topic, group: answers each request with `re: ` and its body. `stop-replier`: name. `request`:
 * topic, body, timeoutMs, producerGroup, instance: sends a request and gives its reply.
 */
final class Requests {
    private static final Map<String, DefaultMQPushConsumer> REPLIERS = new ConcurrentHashMap<>();

    private Requests() {
    }

    static Map<String, Object> startReplier(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(options.text("group"));
        Clients.prepare(consumer, options);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                String answer = "re: " + new String(message.getBody(), StandardCharsets.UTF_8);
                try {
                    producer.send(MessageUtil.createReplyMessage(message, answer.getBytes(StandardCharsets.UTF_8)));
                } catch (Exception error) {
                    error.printStackTrace();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.subscribe(options.text("topic"), "*");
        consumer.start();
        REPLIERS.put(options.text("name"), consumer);
        return Json.object();
    }

    static Map<String, Object> stopReplier(Options options) {
        REPLIERS.remove(options.text("name")).shutdown();
        return Json.object();
    }

    static Map<String, Object> request(Options options) throws Exception {
        DefaultMQProducer producer = Clients.producer(options);
        Message message = new Message(options.text("topic"), options.text("body").getBytes(StandardCharsets.UTF_8));
        Message reply = producer.request(message, options.longNumber("timeoutMs", 20_000));
        return Json.object("reply", new String(reply.getBody(), StandardCharsets.UTF_8));
    }
}
