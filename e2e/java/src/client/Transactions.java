package client;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * `send-transactions`: topic, producerGroup, count, prefix, outcomes (a comma list dealt round robin: commit, rollback,
 * or what is answered when asked: commit-later, rollback-later, commit-third, which needs three questions, hold-commit
 * and hold-rollback, which are not known before `release-transactions`). `asked-transactions` tells how often each message
 * was asked about, `stop-transactions` shuts the producer down as well.
 */
final class Transactions {
    private static final Map<String, Running> RUNNING = new ConcurrentHashMap<>();

    private Transactions() {
    }

    /** A producer, and what its local transactions came to. */
    private static final class Running implements TransactionListener {
        final TransactionMQProducer producer;
        volatile boolean released;
        final Map<String, AtomicInteger> checks = new ConcurrentHashMap<>();

        Running(TransactionMQProducer producer) {
            this.producer = producer;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object outcome) {
            switch ((String) outcome) {
                case "commit":
                    return LocalTransactionState.COMMIT_MESSAGE;
                case "rollback":
                    return LocalTransactionState.ROLLBACK_MESSAGE;
                default:
                    return LocalTransactionState.UNKNOW;
            }
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            String body = new String(message.getBody(), StandardCharsets.UTF_8);
            int asked = checks.computeIfAbsent(body, key -> new AtomicInteger()).incrementAndGet();
            switch (message.getUserProperty("outcome")) {
                case "commit-later":
                    return LocalTransactionState.COMMIT_MESSAGE;
                case "hold-commit":
                    return released ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.UNKNOW;
                case "hold-rollback":
                    return released ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOW;
                case "commit-third":
                    return asked < 3 ? LocalTransactionState.UNKNOW : LocalTransactionState.COMMIT_MESSAGE;
                default:
                    return LocalTransactionState.ROLLBACK_MESSAGE;
            }
        }
    }

    static Map<String, Object> send(Options options) throws Exception {
        Running running = running(options);
        String[] outcomes = options.text("outcomes").split(",");
        List<Map<String, Object>> sent = new ArrayList<>();
        for (int i = 0; i < options.number("count", 1); i++) {
            String outcome = outcomes[i % outcomes.length];
            String body = options.text("prefix", "message") + "-" + i + "-" + outcome;
            Message message = new Message(options.text("topic"), body.getBytes(StandardCharsets.UTF_8));
            message.setTags(outcome);
            message.putUserProperty("outcome", outcome);
            TransactionSendResult result = running.producer.sendMessageInTransaction(message, outcome);
            sent.add(Json.object("body", body, "status", result.getSendStatus(), "msgId", result.getMsgId(),
                "offsetMsgId", result.getOffsetMsgId(), "brokerName", result.getMessageQueue().getBrokerName(),
                "queueId", result.getMessageQueue().getQueueId(), "queueOffset", result.getQueueOffset()));
        }
        return Json.object("sent", sent);
    }

    static Map<String, Object> release(Options options) {
        RUNNING.get(options.text("producerGroup")).released = true;
        return Json.object();
    }

    static Map<String, Object> asked(Options options) {
        return Json.object("checks", RUNNING.get(options.text("producerGroup")).checks);
    }

    static Map<String, Object> stop(Options options) {
        Running running = RUNNING.remove(options.text("producerGroup"));
        running.producer.shutdown();
        return Json.object("checks", running.checks);
    }

    private static synchronized Running running(Options options) throws Exception {
        String group = options.text("producerGroup");
        Running known = RUNNING.get(group);
        if (known != null) {
            return known;
        }
        TransactionMQProducer producer = new TransactionMQProducer(group);
        Clients.prepare(producer, options);
        Running running = new Running(producer);
        producer.setSendMsgTimeout(10_000);
        producer.setTransactionListener(running);
        producer.start();
        RUNNING.put(group, running);
        return running;
    }
}
