package client;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageExt;

/** One received message as the tests read it. */
final class Received {
    private Received() {
    }

    static Map<String, Object> of(MessageExt message) {
        return Json.object("body", new String(message.getBody(), StandardCharsets.UTF_8),
            "topic", message.getTopic(), "tags", message.getTags(), "keys", message.getKeys(),
            "msgId", message.getMsgId(), "queueId", message.getQueueId(), "queueOffset", message.getQueueOffset(),
            "commitLogOffset", message.getCommitLogOffset(), "reconsumeTimes", message.getReconsumeTimes(),
            "bodyCrc", message.getBodyCRC(), "sysFlag", message.getSysFlag(),
            "bornTimestamp", message.getBornTimestamp(), "storeTimestamp", message.getStoreTimestamp(),
            "bornHost", String.valueOf(message.getBornHost()), "storeHost", String.valueOf(message.getStoreHost()),
            "properties", message.getProperties(), "receivedAt", System.currentTimeMillis());
    }
}
