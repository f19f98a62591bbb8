package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const sendTimeout = 10 * time.Second

var producers = map[string]rocketmq.Producer{}
var producersLock sync.Mutex

// shardSelector sends the messages of one shard to one queue, the others round robin.
type shardSelector struct{ other producer.QueueSelector }

func (s shardSelector) Select(m *primitive.Message, queues []*primitive.MessageQueue, last string) *primitive.MessageQueue {
	if shard := m.GetShardingKey(); shard != "" {
		var number int
		fmt.Sscan(shard, &number)
		return queues[number%len(queues)]
	}
	return s.other.Select(m, queues, last)
}

func findProducer(given options) (rocketmq.Producer, error) {
	producersLock.Lock()
	defer producersLock.Unlock()
	group := given.text("producerGroup", "e2e_go_producer")
	if known, found := producers[group]; found {
		return known, nil
	}
	made, err := rocketmq.NewProducer(
		producer.WithGroupName(group),
		producer.WithInstanceName("e2e_go"),
		producer.WithNsResolver(primitive.NewPassthroughResolver(given.namesrv())),
		producer.WithSendMsgTimeout(sendTimeout),
		producer.WithQueueSelector(shardSelector{producer.NewRoundRobinQueueSelector()}),
	)
	if err != nil {
		return nil, err
	}
	if err := made.Start(); err != nil {
		return nil, err
	}
	producers[group] = made
	return made, nil
}

func shutdownProducers(options) (result, error) {
	producersLock.Lock()
	defer producersLock.Unlock()
	for group, known := range producers {
		if err := known.Shutdown(); err != nil {
			return nil, err
		}
		delete(producers, group)
	}
	return result{}, nil
}

func createTopic(given options) (result, error) {
	tool, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(given.namesrv())))
	if err != nil {
		return nil, err
	}
	defer tool.Close()
	queues := given.number("queues", 4)
	err = tool.CreateTopic(context.Background(), admin.WithTopicCreate(given["topic"]),
		admin.WithBrokerAddrCreate(given["broker"]), admin.WithReadQueueNums(queues), admin.WithWriteQueueNums(queues))
	if err != nil {
		return nil, err
	}
	return result{"queues": queues}, nil
}

func message(given options, index int) *primitive.Message {
	body := fmt.Sprintf("%s-%d", given.text("prefix", "message"), index)
	for len(body) < given.number("size", 0) {
		body += string(rune('a' + len(body)%26))
	}
	made := primitive.NewMessage(given["topic"], []byte(body))
	if tags := given["tags"]; tags != "" {
		all := strings.Split(tags, ",")
		made.WithTag(all[index%len(all)])
	}
	if keys := given["keys"]; keys != "" {
		made.WithKeys([]string{fmt.Sprintf("%s-%d", keys, index), keys + "-all"})
	}
	if level := given.number("delayLevel", 0); level > 0 {
		made.WithDelayTimeLevel(level)
	}
	if given.text("mode", "") == "ordered" {
		made.WithShardingKey(fmt.Sprint(index % given.number("shards", 4)))
	}
	for key, value := range given {
		if strings.HasPrefix(key, "property.") {
			made.WithProperty(key[len("property."):], strings.ReplaceAll(value, "#", fmt.Sprint(index)))
		}
	}
	return made
}

func send(given options) (result, error) {
	client, err := findProducer(given)
	if err != nil {
		return nil, err
	}
	var messages []*primitive.Message
	for i := 0; i < given.number("count", 1); i++ {
		messages = append(messages, message(given, i))
	}
	switch mode := given.text("mode", "sync"); mode {
	case "sync", "ordered":
		return sendSync(client, messages)
	case "async":
		return sendAsync(client, messages)
	case "oneway":
		for _, m := range messages {
			if err := client.SendOneWay(context.Background(), m); err != nil {
				return nil, err
			}
		}
		return result{"sent": []result{}}, nil
	case "batch":
		sent, err := client.SendSync(context.Background(), messages...)
		if err != nil {
			return nil, err
		}
		return result{"sent": []result{sentResult("", sent)}}, nil
	default:
		return nil, fmt.Errorf("unknown mode %s", mode)
	}
}

func sendSync(client rocketmq.Producer, messages []*primitive.Message) (result, error) {
	sent := []result{}
	for _, m := range messages {
		body := string(m.Body)
		one, err := client.SendSync(context.Background(), m)
		if err != nil {
			return nil, err
		}
		sent = append(sent, sentResult(body, one))
	}
	return result{"sent": sent}, nil
}

func sendAsync(client rocketmq.Producer, messages []*primitive.Message) (result, error) {
	sent := []result{}
	var failure error
	var lock sync.Mutex
	var left sync.WaitGroup
	left.Add(len(messages))
	for _, m := range messages {
		body := string(m.Body)
		err := client.SendAsync(context.Background(), func(_ context.Context, one *primitive.SendResult, err error) {
			defer left.Done()
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failure = err
				return
			}
			sent = append(sent, sentResult(body, one))
		}, m)
		if err != nil {
			return nil, err
		}
	}
	left.Wait()
	return result{"sent": sent}, failure
}

var statusNames = map[primitive.SendStatus]string{
	primitive.SendOK:                "SEND_OK",
	primitive.SendFlushDiskTimeout:  "FLUSH_DISK_TIMEOUT",
	primitive.SendFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
	primitive.SendSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
	primitive.SendUnknownError:      "UNKNOWN",
}

func sentResult(body string, one *primitive.SendResult) result {
	return result{"body": body, "status": statusNames[one.Status], "msgId": one.MsgID, "offsetMsgId": one.OffsetMsgID,
		"brokerName": one.MessageQueue.BrokerName, "queueId": one.MessageQueue.QueueId, "queueOffset": one.QueueOffset}
}
