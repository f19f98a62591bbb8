package client;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** Producers by group, started once; and what every client in this program has in common. */
final class Clients {
    private static final Map<String, DefaultMQProducer> PRODUCERS = new LinkedHashMap<>();

    private Clients() {
    }

    /** A fixed client address keeps the machine's own out of recorded frames. */
    static void prepare(ClientConfig client, Options options) {
        client.setNamesrvAddr(options.text("namesrv"));
        client.setClientIP("127.0.0.1");
        client.setInstanceName(options.text("instance", "e2e"));
        client.setPollNameServerInterval(1000);
        client.setHeartbeatBrokerInterval(2000);
        client.setPersistConsumerOffsetInterval(500);
    }

    static synchronized DefaultMQProducer producer(Options options) throws Exception {
        String group = options.text("producerGroup", "e2e_producer");
        String key = options.text("namesrv") + "/" + group;
        DefaultMQProducer known = PRODUCERS.get(key);
        if (known != null) {
            return known;
        }
        DefaultMQProducer producer = new DefaultMQProducer(group);
        prepare(producer, options);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        PRODUCERS.put(key, producer);
        return producer;
    }

    static synchronized Map<String, Object> shutdown() {
        PRODUCERS.values().forEach(DefaultMQProducer::shutdown);
        int stopped = PRODUCERS.size();
        PRODUCERS.clear();
        return Json.object("stopped", stopped);
    }
}
