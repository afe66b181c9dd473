// What a program with franz-go does with transactions. Arguments: bootstrap, prefix. One line a step, as steps.py.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	patience   = 60 * time.Second
	partitions = 3
	inputs     = 60
)

var (
	seeds  = kgo.SeedBrokers(strings.Split(os.Args[1], ",")...)
	prefix = os.Args[2]
)

func main() {
	step("commits and aborts", commitsAndAborts)
	step("sends offsets with a transaction", sendsOffsets)
	step("fences the producer before it", fences)
	step("processes each record once though a process goes away", goesAway)
}

func step(name string, take func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	line := struct {
		Step    string  `json:"step"`
		Problem *string `json:"problem"`
	}{Step: name}
	if err := take(ctx); err != nil {
		problem := err.Error()
		line.Problem = &problem
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func commitsAndAborts(ctx context.Context) error {
	topic, err := topicNamed(ctx, "commits")
	if err != nil {
		return err
	}
	client := producer("commits")
	defer client.Close()
	for _, value := range []string{"a", "b", "c"} {
		end := kgo.TransactionEndTry(value != "b")
		if err := send(ctx, client, topic, value); err != nil {
			return err
		}
		if err := client.EndTransaction(ctx, end); err != nil {
			return fmt.Errorf("the end of %s: %w", value, err)
		}
	}
	if err := holds(ctx, topic, kgo.ReadCommitted(), spread("a", "c")); err != nil {
		return err
	}
	return holds(ctx, topic, kgo.ReadUncommitted(), spread("a", "b", "c"))
}

// Reads, processes and writes; the first batch is processed twice, since its first transaction is aborted.
func sendsOffsets(ctx context.Context) error {
	input, output, err := filledInput(ctx, "offsets")
	if err != nil {
		return err
	}
	session, err := sessionOf("offsets", "offsets", input)
	if err != nil {
		return err
	}
	defer session.Close()
	if _, err := process(ctx, session, output, kgo.TryAbort); err != nil {
		return err
	}
	for done := 0; done < inputs; {
		count, err := process(ctx, session, output, kgo.TryCommit)
		if err != nil {
			return err
		}
		done += count
	}
	if err := holds(ctx, output, kgo.ReadCommitted(), numbers()); err != nil {
		return err
	}
	return groupIsAtEnd(ctx, session.Client(), "offsets", input)
}

func fences(ctx context.Context) error {
	topic, err := topicNamed(ctx, "fences")
	if err != nil {
		return err
	}
	older, newer := producer("fences"), producer("fences")
	defer older.Close()
	defer newer.Close()
	if err := send(ctx, older, topic, "old"); err != nil {
		return err
	}
	if err := send(ctx, newer, topic, "new"); err != nil {
		return err
	}
	err = older.EndTransaction(ctx, kgo.TryCommit)
	if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		return fmt.Errorf("the older one was not fenced: %v", err)
	}
	if err := newer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return err
	}
	return holds(ctx, topic, kgo.ReadCommitted(), spread("new"))
}

// One process ends within a transaction, that the coordinator aborts in the end; another goes on where it was.
func goesAway(ctx context.Context) error {
	input, output, err := filledInput(ctx, "away")
	if err != nil {
		return err
	}
	first, err := sessionOf("away", "away-1", input, kgo.TransactionTimeout(3*time.Second))
	if err != nil {
		return err
	}
	done, err := process(ctx, first, output, kgo.TryCommit)
	if err != nil {
		return err
	}
	if err := first.Begin(); err != nil {
		return err
	}
	if err := first.ProduceSync(ctx, &kgo.Record{Topic: output, Value: []byte("lost")}).FirstErr(); err != nil {
		return err
	}
	first.Client().LeaveGroup()
	first.Close()
	second, err := sessionOf("away", "away-2", input)
	if err != nil {
		return err
	}
	defer second.Close()
	for done < inputs {
		count, err := process(ctx, second, output, kgo.TryCommit)
		if err != nil {
			return err
		}
		done += count
	}
	return holds(ctx, output, kgo.ReadCommitted(), numbers())
}

func producer(id string) *kgo.Client {
	client, err := kgo.NewClient(seeds, kgo.TransactionalID(prefix+"-"+id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		panic(err)
	}
	return client
}

func sessionOf(group, id, input string, more ...kgo.Opt) (*kgo.GroupTransactSession, error) {
	return kgo.NewGroupTransactSession(append(more, seeds,
		kgo.ConsumerGroup(prefix+"-"+group),
		kgo.ConsumeTopics(input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.TransactionalID(prefix+"-"+id),
	)...)
}

// A transaction of what comes next, each record written once; how many there were, none of an aborted one.
func process(ctx context.Context, session *kgo.GroupTransactSession, output string, end kgo.TransactionEndTry) (int, error) {
	// Not all at once.
	fetches := session.PollRecords(ctx, inputs/4)
	if err := fetches.Err(); err != nil {
		return 0, err
	}
	if err := session.Begin(); err != nil {
		return 0, err
	}
	failed := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(record *kgo.Record) {
		session.Produce(ctx, &kgo.Record{Topic: output, Value: record.Value}, failed.Promise())
	})
	if err := failed.Err(); err != nil {
		return 0, err
	}
	committed, err := session.End(ctx, end)
	if err != nil || !committed {
		return 0, err
	}
	return fetches.NumRecords(), nil
}

// A topic with inputs records, and one for what is made of them.
func filledInput(ctx context.Context, name string) (string, string, error) {
	input, err := topicNamed(ctx, name+"-in")
	if err != nil {
		return "", "", err
	}
	output, err := topicNamed(ctx, name+"-out")
	if err != nil {
		return "", "", err
	}
	client, err := kgo.NewClient(seeds, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return "", "", err
	}
	defer client.Close()
	var records []*kgo.Record
	for index, value := range numbers() {
		records = append(records, &kgo.Record{Topic: input, Partition: int32(index % partitions), Value: []byte(value)})
	}
	return input, output, client.ProduceSync(ctx, records...).FirstErr()
}

func topicNamed(ctx context.Context, name string) (string, error) {
	client, err := kgo.NewClient(seeds)
	if err != nil {
		return "", err
	}
	defer client.Close()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = prefix+"-"+name, partitions, -1
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return "", err
	}
	return topic.Topic, kerr.ErrorForCode(response.Topics[0].ErrorCode)
}

func send(ctx context.Context, client *kgo.Client, topic, value string) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	var records []*kgo.Record
	for partition := range int32(partitions) {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, value, partition)})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

func holds(ctx context.Context, topic string, isolation kgo.IsolationLevel, expected []string) error {
	offsets := map[int32]kgo.Offset{}
	for partition := range int32(partitions) {
		offsets[partition] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(seeds, kgo.FetchIsolationLevel(isolation), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}))
	if err != nil {
		return err
	}
	defer client.Close()
	var values []string
	take := func(ctx context.Context) {
		for _, record := range client.PollFetches(ctx).Records() {
			values = append(values, string(record.Value))
		}
	}
	for len(values) < len(expected) && ctx.Err() == nil {
		take(ctx)
	}
	// And no more.
	last, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	take(last)
	slices.Sort(values)
	if slices.Sort(expected); !slices.Equal(values, expected) {
		return fmt.Errorf("%s: expected %v but there is %v", topic, expected, values)
	}
	return nil
}

func groupIsAtEnd(ctx context.Context, client *kgo.Client, group, input string) error {
	request := kmsg.NewPtrOffsetFetchRequest()
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = prefix + "-" + group
	request.Group, request.Groups, request.RequireStable = asked.Group, append(request.Groups, asked), true
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, one := range response.Groups {
		for _, topic := range one.Topics {
			for _, partition := range topic.Partitions {
				total += partition.Offset
			}
		}
	}
	if total != inputs {
		return fmt.Errorf("the group is at %d of %d of %s", total, inputs, input)
	}
	return nil
}

func numbers() []string {
	var values []string
	for index := range inputs {
		values = append(values, fmt.Sprintf("%03d", index))
	}
	return values
}

func spread(values ...string) []string {
	var all []string
	for _, value := range values {
		for partition := range partitions {
			all = append(all, fmt.Sprint(value, partition))
		}
	}
	return all
}
