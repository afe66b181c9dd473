// franz-go and sarama over SASL_SSL. Arguments: bootstrap, ca file, user, password. One line a step, as steps.py.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	kscram "github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/xdg-go/scram"
)

const patience = 60 * time.Second

var (
	seeds          = strings.Split(os.Args[1], ",")
	user, password = os.Args[3], os.Args[4]
	security       = &tls.Config{RootCAs: authorities(os.Args[2])}
)

func authorities(file string) *x509.CertPool {
	text, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		panic(fmt.Sprint("no certificate in ", file, ": ", err))
	}
	return pool
}

func main() {
	franz := map[string]sasl.Mechanism{
		"PLAIN":         plain.Auth{User: user, Pass: password}.AsMechanism(),
		"SCRAM-SHA-256": kscram.Auth{User: user, Pass: password}.AsSha256Mechanism(),
		"SCRAM-SHA-512": kscram.Auth{User: user, Pass: password}.AsSha512Mechanism(),
	}
	for name, mechanism := range franz {
		tell("franz-go "+name, withFranz(mechanism))
	}
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		tell("sarama "+name, withSarama(name))
	}
}

func tell(step string, problem error) {
	line := map[string]any{"step": step, "problem": nil}
	if problem != nil {
		line["problem"] = problem.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func withFranz(mechanism sasl.Mechanism) error {
	topic := "franz-" + strings.ToLower(mechanism.Name())
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DialTLSConfig(security), kgo.SASL(mechanism),
		kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation())
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("hello")}).FirstErr(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		for _, record := range client.PollFetches(ctx).Records() {
			return same(record.Value)
		}
	}
	return ctx.Err()
}

func withSarama(mechanism string) error {
	topic := "sarama-" + strings.ToLower(mechanism)
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Return.Successes = true
	config.Net.TLS.Enable, config.Net.TLS.Config = true, security
	config.Net.SASL.Enable, config.Net.SASL.User, config.Net.SASL.Password = true, user, password
	config.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
	config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
		if mechanism == "SCRAM-SHA-256" {
			return &conversation{hash: func() hash.Hash { return sha256.New() }}
		}
		return &conversation{hash: func() hash.Hash { return sha512.New() }}
	}
	client, err := sarama.NewClient(seeds, config)
	if err != nil {
		return err
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return err
	}
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("hello")}); err != nil {
		return err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	part, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	select {
	case message := <-part.Messages():
		return same(message.Value)
	case <-time.After(patience):
		return fmt.Errorf("nothing came")
	}
}

func same(value []byte) error {
	if string(value) != "hello" {
		return fmt.Errorf("%q came", value)
	}
	return nil
}

// What sarama leaves to its users.
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func (one *conversation) Begin(user, password, authorization string) error {
	client, err := one.hash.NewClient(user, password, authorization)
	if err == nil {
		one.ClientConversation = client.NewConversation()
	}
	return err
}
