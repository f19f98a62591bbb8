package client;

import java.lang.reflect.Method;
import java.util.Collections;
import java.util.Map;
import org.apache.rocketmq.client.MQAdmin;

/** The few places where the 4.x and 5.x client libraries differ in their signatures. */
final class Compat {
    private Compat() {
    }

    /** MessageModel moved between packages: CLUSTERING or BROADCASTING by name. */
    static void setMessageModel(Object consumer, String name) throws Exception {
        for (Method method : consumer.getClass().getMethods()) {
            if (method.getName().equals("setMessageModel")) {
                for (Object constant : method.getParameterTypes()[0].getEnumConstants()) {
                    if (constant.toString().equals(name)) {
                        method.invoke(consumer, constant);
                        return;
                    }
                }
            }
        }
        throw new IllegalArgumentException("no message model " + name);
    }

    /** createTopic got a fourth argument, the topic attributes, in 5.x. */
    static void createTopic(MQAdmin admin, String key, String topic, int queues) throws Exception {
        try {
            Method method = MQAdmin.class.getMethod("createTopic", String.class, String.class, int.class, Map.class);
            method.invoke(admin, key, topic, queues, Collections.emptyMap());
        } catch (NoSuchMethodException older) {
            MQAdmin.class.getMethod("createTopic", String.class, String.class, int.class)
                .invoke(admin, key, topic, queues);
        }
    }
}
