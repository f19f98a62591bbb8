package bench;

import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/**
 * The unmodified Java client under load. Prints one JSON line at the end.
 *
 * <pre>
 *   java bench.Main produce NAMESRV TOPIC SIZE IN_FLIGHT WARMUP_SECONDS SECONDS
 *   java bench.Main consume NAMESRV TOPIC GROUP COUNT
 * </pre>
 */
public final class Main {
    private static final long CONSUME_LIMIT_MS = 300_000;

    private Main() {
    }

    public static void main(String[] args) throws Exception {
        java.io.PrintStream out = System.out;
        System.setOut(System.err);
        String report = args[0].equals("produce") ? produce(args) : consume(args);
        out.println(report);
        out.flush();
        System.exit(0);
    }

    private static String produce(String[] args) throws Exception {
        int size = Integer.parseInt(args[3]);
        int inFlight = Integer.parseInt(args[4]);
        DefaultMQProducer producer = new DefaultMQProducer("bench_java_producer");
        producer.setNamesrvAddr(args[1]);
        producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        producer.start();
        byte[] body = new byte[size];
        Arrays.fill(body, (byte) 'a');
        Semaphore free = new Semaphore(inFlight);
        AtomicLong stored = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        SendCallback done = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                stored.incrementAndGet();
                free.release();
            }

            @Override
            public void onException(Throwable error) {
                failed.incrementAndGet();
                free.release();
            }
        };
        long warmUntil = System.nanoTime() + Long.parseLong(args[5]) * 1_000_000_000L;
        while (System.nanoTime() < warmUntil) {
            free.acquire();
            producer.send(new Message(args[2], body), done);
        }
        long before = stored.get();
        long started = System.nanoTime();
        long until = started + Long.parseLong(args[6]) * 1_000_000_000L;
        while (System.nanoTime() < until) {
            free.acquire();
            producer.send(new Message(args[2], body), done);
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        long count = stored.get() - before;
        free.acquire(inFlight);
        producer.shutdown();
        return "{\"perSecond\":" + count / seconds + ",\"count\":" + count + ",\"failed\":" + failed.get() + "}";
    }

    private static String consume(String[] args) throws Exception {
        long expected = Long.parseLong(args[4]);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[3]);
        consumer.setNamesrvAddr(args[1]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(args[2], "*");
        AtomicLong count = new AtomicLong();
        AtomicLong bytes = new AtomicLong();
        AtomicLong first = new AtomicLong();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            first.compareAndSet(0, System.nanoTime());
            messages.forEach(message -> bytes.addAndGet(message.getBody().length));
            count.addAndGet(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long limit = System.currentTimeMillis() + CONSUME_LIMIT_MS;
        while (count.get() < expected && System.currentTimeMillis() < limit) {
            Thread.sleep(1);
        }
        double seconds = (System.nanoTime() - first.get()) / 1e9;
        String report = "{\"perSecond\":" + count.get() / seconds + ",\"count\":" + count.get() + ",\"bytes\":"
            + bytes.get() + "}";
        consumer.shutdown();
        return report;
    }
}
