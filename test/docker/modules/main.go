// The Kafka module of Testcontainers for Go on the image that is named: main IMAGE [sasl], with sasl for clients
// that log in by PLAIN as admin with the password secret. Prints the address of the broker and the cluster's id,
// and waits for a line of input before it ends the container.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/kafka"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	started := time.Now()
	options := []testcontainers.ContainerCustomizer{kafka.WithClusterID("4L6g3nShT-eMCtK--X86sw")}
	if len(os.Args) > 2 {
		options = append(options, testcontainers.WithEnv(map[string]string{
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":                 "BROKER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
			"KAFKA_SASL_ENABLED_MECHANISMS":                        "PLAIN",
			"KAFKA_LISTENER_NAME_PLAINTEXT_PLAIN_SASL_JAAS_CONFIG": "org.apache.kafka.common.security.plain.PlainLoginModule required user_admin=\"secret\";",
		}))
	}
	container, err := kafka.Run(ctx, os.Args[1], options...)
	if err != nil {
		fmt.Println(err)
		_ = testcontainers.TerminateContainer(container)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "started in %d ms\n", time.Since(started).Milliseconds())
	brokers, err := container.Brokers(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(brokers[0], container.ClusterID)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := testcontainers.TerminateContainer(container); err != nil {
		panic(err)
	}
}
