// The Kafka module of Testcontainers for Go on the image that is named: main IMAGE. Prints the address of the
// broker and the cluster's id, and waits for a line of input before it ends the container.
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
	container, err := kafka.Run(ctx, os.Args[1], kafka.WithClusterID("4L6g3nShT-eMCtK--X86sw"))
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
