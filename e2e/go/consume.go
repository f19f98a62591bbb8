package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

type running struct {
	consumer rocketmq.PushConsumer
	lock     sync.Mutex
	received []result
}

func (r *running) snapshot() result {
	r.lock.Lock()
	defer r.lock.Unlock()
	return result{"received": append([]result{}, r.received...)}
}

func (r *running) count() int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return len(r.received)
}

var consumers sync.Map

func received(m *primitive.MessageExt) result {
	return result{"body": string(m.Body), "topic": m.Topic, "tags": m.GetTags(), "keys": m.GetKeys(), "msgId": m.MsgId,
		"queueId": m.Queue.QueueId, "queueOffset": m.QueueOffset, "commitLogOffset": m.CommitLogOffset,
		"reconsumeTimes": m.ReconsumeTimes, "bodyCrc": m.BodyCRC, "sysFlag": m.SysFlag,
		"bornTimestamp": m.BornTimestamp, "storeTimestamp": m.StoreTimestamp, "bornHost": m.BornHost,
		"storeHost": m.StoreHost, "properties": m.GetProperties(), "receivedAt": time.Now().UnixMilli()}
}

func startConsumer(given options) (result, error) {
	model := consumer.Clustering
	if given.text("model", "CLUSTERING") == "BROADCASTING" {
		model = consumer.BroadCasting
	}
	orderly := given["orderly"] == "true"
	made, err := rocketmq.NewPushConsumer(
		consumer.WithGroupName(given["group"]),
		consumer.WithInstance(given.text("instance", "e2e_go")+given["name"]),
		consumer.WithNsResolver(primitive.NewPassthroughResolver(given.namesrv())),
		consumer.WithConsumerModel(model),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(orderly),
		consumer.WithMaxReconsumeTimes(int32(given.number("maxReconsume", 16))),
	)
	if err != nil {
		return nil, err
	}
	run := &running{consumer: made}
	fail := given.number("fail", 0)
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: given.text("expression", "*")}
	if given["type"] == "SQL92" {
		selector.Type = consumer.SQL92
	}
	listener := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		run.lock.Lock()
		defer run.lock.Unlock()
		consumed := true
		for _, m := range messages {
			run.received = append(run.received, received(m))
			consumed = consumed && fail >= 0 && int(m.ReconsumeTimes) >= fail
		}
		if consumed {
			return consumer.ConsumeSuccess, nil
		}
		if orderly {
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		return consumer.ConsumeRetryLater, nil
	}
	if err := made.Subscribe(given["topic"], selector, listener); err != nil {
		return nil, err
	}
	if err := made.Start(); err != nil {
		return nil, err
	}
	consumers.Store(given["name"], run)
	return result{}, nil
}

func find(given options) (*running, error) {
	found, known := consumers.Load(given["name"])
	if !known {
		return nil, fmt.Errorf("no consumer named %s", given["name"])
	}
	return found.(*running), nil
}

func awaitConsumer(given options) (result, error) {
	run, err := find(given)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(time.Duration(given.number("timeoutMs", 30_000)) * time.Millisecond)
	for run.count() < given.number("expected", 0) && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Duration(given.number("settleMs", 300)) * time.Millisecond)
	return run.snapshot(), nil
}

func stopConsumer(given options) (result, error) {
	run, err := find(given)
	if err != nil {
		return nil, err
	}
	consumers.Delete(given["name"])
	if err := run.consumer.Shutdown(); err != nil {
		return nil, err
	}
	return run.snapshot(), nil
}

var pullStatusNames = map[primitive.PullStatus]string{
	primitive.PullFound:         "FOUND",
	primitive.PullNoNewMsg:      "NO_NEW_MSG",
	primitive.PullNoMsgMatched:  "NO_MATCHED_MSG",
	primitive.PullOffsetIllegal: "OFFSET_ILLEGAL",
}

// pull reads the queues given as `queues` from `from` until one pull finds nothing.
func pull(given options) (result, error) {
	made, err := rocketmq.NewPullConsumer(
		consumer.WithGroupName(given["group"]),
		consumer.WithInstance("e2e_go_pull"+given["group"]),
		consumer.WithNsResolver(primitive.NewPassthroughResolver(given.namesrv())),
	)
	if err != nil {
		return nil, err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: given.text("expression", "*")}
	if err := made.Subscribe(given["topic"], selector); err != nil {
		return nil, err
	}
	if err := made.Start(); err != nil {
		return nil, err
	}
	defer made.Shutdown()
	messages, pulls := []result{}, []result{}
	for id := 0; id < given.number("queues", 4); id++ {
		queue := &primitive.MessageQueue{Topic: given["topic"], BrokerName: given["brokerName"], QueueId: id}
		offset := int64(given.number("from", 0))
		for steps := 0; steps < 1000; steps++ {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			found, err := made.PullFrom(ctx, queue, offset, given.number("batch", 8))
			cancel()
			if err != nil {
				return nil, err
			}
			offset = found.NextBeginOffset
			for _, m := range found.GetMessageExts() {
				m.Queue = queue
				messages = append(messages, received(m))
			}
			pulls = append(pulls, result{"queueId": id, "status": pullStatusNames[found.Status], "next": offset,
				"min": found.MinOffset, "max": found.MaxOffset})
			if found.Status != primitive.PullFound || strings.EqualFold(given["once"], "true") {
				break
			}
		}
	}
	return result{"received": messages, "pulls": pulls}, nil
}
