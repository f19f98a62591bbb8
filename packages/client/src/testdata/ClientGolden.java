// Writes client-golden.jsonl: signatures of AclClientRPCHook, handles of RecallMessageHandle and records of TraceDataEncoder as the Java
// client 5.5.0 makes them, each beside what it was made of. Run with the jars of rocketmq-client 5.5.0:
//   java -Dstdout.encoding=UTF-8 -cp '<jars>/*' ClientGolden.java | grep '^{' > client-golden.jsonl
import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceTransferBean;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.message.MessageType;
import org.apache.rocketmq.common.producer.RecallMessageHandle;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeaderV2;

public class ClientGolden {
    public static void main(String[] args) {
        signature("key", "secret", null, null, Map.of(), null);
        signature("key", "secret", "token", null, Map.of("topic", "T", "a", "1", "Z", "2", "_", "3", "é", "4"), "body");
        signature("schlüssel", "geheim€", null, null, Map.of("b", "wert ü", "a\uff5e", "1", "a\ud83d\ude00", "2"), "\ud83d\ude00");
        signature("key", "secret", "", null, Map.of("empty", "", "SecurityTokens", "x"), "");
        SendMessageRequestHeaderV2 header = new SendMessageRequestHeaderV2();
        header.setA("group");
        header.setB("topic");
        header.setC("TBW102");
        header.setD(4);
        header.setE(2);
        header.setF(0);
        header.setG(1700000000123L);
        header.setH(0);
        header.setI("KEYS\u0001k\u0002");
        header.setJ(0);
        header.setK(false);
        header.setL(16);
        header.setM(true);
        signature("key", "secret", null, header, Map.of(), "hello");

        recall("topic", "broker-a", "1700000000123", "7F0000010A0B0C0D");
        recall("ns%topic_?>~", "broker-0", "0", "ü?ÿ");

        TraceContext context = context(TraceType.Pub);
        context.setCostTime(17);
        context.setSuccess(true);
        trace("Pub", context);
        context = context(TraceType.SubBefore);
        trace("SubBefore", context);
        context = context(TraceType.SubAfter);
        context.setCostTime(17);
        context.setSuccess(false);
        context.setContextCode(4);
        trace("SubAfter", context);
        context = context(TraceType.EndTransaction);
        context.getTraceBeans().get(0).setMsgType(MessageType.Trans_msg_Commit);
        trace("EndTransaction", context);
        context = context(TraceType.Recall);
        context.getTraceBeans().get(0).setKeys("");
        context.setSuccess(true);
        trace("Recall", context);
    }

    static void signature(String accessKey, String secretKey, String token, CommandCustomHeader header, Map<String, String> fields,
        String body) {
        RemotingCommand request = RemotingCommand.createRequestCommand(310, header);
        request.makeCustomHeaderToNet();
        fields.forEach(request::addExtField);
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", "signature");
        line.put("accessKey", accessKey);
        line.put("secretKey", secretKey);
        if (token != null) line.put("securityToken", token);
        line.put("fields", request.getExtFields() == null ? Map.of() : new TreeMap<>(request.getExtFields()));
        line.put("body", body);
        if (body != null) request.setBody(body.getBytes(StandardCharsets.UTF_8));
        SessionCredentials credentials =
            token == null ? new SessionCredentials(accessKey, secretKey) : new SessionCredentials(accessKey, secretKey, token);
        new AclClientRPCHook(credentials).doBeforeRequest("", request);
        line.put("signed", new TreeMap<>(request.getExtFields()));
        print(line);
    }

    static void recall(String topic, String brokerName, String timestamp, String messageId) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", "recall");
        line.put("topic", topic);
        line.put("brokerName", brokerName);
        line.put("handle", RecallMessageHandle.HandleV1.buildHandle(topic, brokerName, timestamp, messageId));
        print(line);
    }

    static TraceContext context(TraceType type) {
        TraceBean bean = new TraceBean();
        bean.setTopic("topic");
        bean.setMsgId("msgId");
        bean.setOffsetMsgId("offsetMsgId");
        bean.setTags("tag");
        bean.setKeys("k1 k2");
        bean.setStoreHost("10.0.0.1:10911");
        bean.setClientHost("10.0.0.2");
        bean.setBodyLength(5);
        bean.setRetryTimes(3);
        bean.setMsgType(MessageType.Order_Msg);
        bean.setTransactionId("transactionId");
        bean.setTransactionState(LocalTransactionState.COMMIT_MESSAGE);
        bean.setFromTransactionCheck(true);
        TraceContext context = new TraceContext();
        context.setTraceType(type);
        context.setTimeStamp(1700000000123L);
        context.setRegionId("region");
        context.setRegionName("regionName");
        context.setGroupName("group");
        context.setRequestId("requestId");
        context.setAccessChannel(AccessChannel.LOCAL);
        context.setTraceBeans(List.of(bean));
        return context;
    }

    static void trace(String type, TraceContext context) {
        TraceTransferBean made = TraceDataEncoder.encoderFromContextBean(context);
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", "trace");
        line.put("type", type);
        line.put("text", made.getTransData());
        line.put("keys", made.getTransKey().stream().sorted().toArray());
        print(line);
    }

    static void print(Map<String, Object> line) {
        System.out.println(JSON.toJSONString(line, JSONWriter.Feature.WriteMapNullValue));
    }
}
