// Writes allocate-golden.txt: what the strategies of the Java client 5.5.0 give for 0 to 20 queues and 1 to 8 members, the order Java
// sorts both in, and an offset file as its LocalFileOffsetStore writes it. Run with the jars of rocketmq-client 5.5.0:
//   java -cp '<jars>/*' AllocateGolden.java | grep -P '^[\w-]+\t' > allocate-golden.txt
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.client.consumer.store.OffsetSerializeWrapper;
import org.apache.rocketmq.common.message.MessageQueue;

public class AllocateGolden {
    static final String[] BROKERS = {"room2@broker-b", "room1@broker-a", "Room1@x", "plain", "room3@broker-c@2", "room4@"};
    static final String[] CLIENTS = {
        "10.0.0.9@77#room1", "10.0.0.10@4#room2", "a\uff5e@1#room5", "b\ud83d\ude00@1#room1", "b\uff5e@1#room2",
        "B@1#room1", "10.0.0.9@7#room2", "10.0.0.9@77_1#room4",
    };
    static final List<MessageQueue> QUEUES = new ArrayList<>();

    public static void main(String[] args) {
        for (int i = 0; i < 20; i++) {
            int mixed = i * 7 % 20;
            QUEUES.add(new MessageQueue(mixed % 9 == 8 ? "Golden" : "golden", BROKERS[mixed % BROKERS.length], mixed));
        }
        for (MessageQueue queue : QUEUES) {
            System.out.println("queue\t" + queue.getTopic() + "\t" + queue.getBrokerName() + "\t" + queue.getQueueId());
        }
        for (String client : CLIENTS) {
            System.out.println("client\t" + escaped(client));
        }
        List<MessageQueue> sorted = new ArrayList<>(QUEUES);
        Collections.sort(sorted);
        System.out.println("sorted-queues\t" + indices(sorted));
        List<String> ids = new ArrayList<>(Arrays.asList(CLIENTS));
        Collections.sort(ids);
        System.out.println("sorted-clients\t" + ids.stream()
            .map(id -> String.valueOf(Arrays.asList(CLIENTS).indexOf(id))).collect(Collectors.joining(" ")));
        for (AllocateMessageQueueStrategy strategy : strategies()) {
            for (int queues = 0; queues <= 20; queues++) {
                for (int clients = 1; clients <= 8; clients++) {
                    System.out.println(line(strategy, queues, clients));
                }
            }
        }
        offsetFile();
    }

    static List<AllocateMessageQueueStrategy> strategies() {
        AllocateMessageQueueByConfig config = new AllocateMessageQueueByConfig();
        config.setMessageQueueList(Arrays.asList(QUEUES.get(3), QUEUES.get(1)));
        AllocateMessageQueueByMachineRoom room = new AllocateMessageQueueByMachineRoom();
        room.setConsumeridcs(new HashSet<>(Arrays.asList("room1", "room2", "room3", "room4")));
        AllocateMachineRoomNearby.MachineRoomResolver resolver = new AllocateMachineRoomNearby.MachineRoomResolver() {
            public String brokerDeployIn(MessageQueue queue) {
                return queue.getBrokerName().split("@")[0];
            }

            public String consumerDeployIn(String clientId) {
                return clientId.split("#")[1];
            }
        };
        return Arrays.asList(new AllocateMessageQueueAveragely(), new AllocateMessageQueueAveragelyByCircle(),
            new AllocateMessageQueueConsistentHash(), config, room,
            new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), resolver));
    }

    static String line(AllocateMessageQueueStrategy strategy, int queues, int clients) {
        List<MessageQueue> all = new ArrayList<>(QUEUES.subList(0, queues));
        Collections.sort(all);
        List<String> ids = new ArrayList<>(Arrays.asList(CLIENTS).subList(0, clients));
        Collections.sort(ids);
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            try {
                parts.add(indices(strategy.allocate("group", CLIENTS[i], all, ids)));
            } catch (IllegalArgumentException e) {
                parts.add("throws");
            }
        }
        return strategy.getName() + "\t" + queues + "\t" + clients + "\t" + String.join(";", parts);
    }

    static String indices(List<MessageQueue> queues) {
        return queues.stream().map(queue -> String.valueOf(QUEUES.indexOf(queue))).collect(Collectors.joining(" "));
    }

    static String escaped(String text) {
        return text.chars().mapToObj(c -> c < 128 ? String.valueOf((char) c) : String.format("\\u%04x", c))
            .collect(Collectors.joining());
    }

    static void offsetFile() {
        OffsetSerializeWrapper wrapper = new OffsetSerializeWrapper();
        wrapper.getOffsetTable().put(new MessageQueue("golden", "broker-a", 0), new AtomicLong(0));
        wrapper.getOffsetTable().put(new MessageQueue("%RETRY%group", "broker-\"b\"", 3), new AtomicLong(9007199254740991L));
        System.out.println("offset-file\t" + wrapper.toJson(true).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"));
        String ours = "{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":7,\"topic\":\"golden\"}:42}}";
        OffsetSerializeWrapper read = OffsetSerializeWrapper.fromJson(ours, OffsetSerializeWrapper.class);
        System.out.println("reads-ours\t" + read.getOffsetTable());
    }
}
