// A Kafka cluster for go test, without Docker and without a JVM: one for the package, new for each test.
package orders

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

type Cluster struct {
	BootstrapServers string `json:"bootstrapServers"`
	Zookeeper        string `json:"zookeeper"`
	AdminURL         string `json:"adminUrl"`
}

var kafka Cluster

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	command := os.Getenv("ODRADEK")
	if command == "" {
		command = "npx odradek"
	}
	words := append(strings.Fields(command), "cluster", "--json", "--exit-with-parent")
	process := exec.Command(words[0], words[1:]...)
	process.Stderr = os.Stderr
	stdin, _ := process.StdinPipe() // it ends when this pipe does, however the test ends
	stdout, _ := process.StdoutPipe()
	if err := process.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	line, _ := bufio.NewReader(stdout).ReadBytes('\n')
	if err := json.Unmarshal(line, &kafka); err != nil {
		fmt.Fprintln(os.Stderr, "the cluster could not be started:", err)
		return 1
	}
	status := m.Run()
	stdin.Close()
	process.Wait()
	return status
}

type P map[string]any

// Ask runs one of the commands of /openapi.json; what it answers goes into answer unless that is nil.
func (c Cluster) Ask(t *testing.T, command string, parameters P, answer any) {
	t.Helper()
	body, _ := json.Marshal(parameters)
	response, err := http.Post(c.AdminURL+"/"+command, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode != http.StatusOK {
		var failure struct{ Error string }
		decoder.Decode(&failure)
		t.Fatalf("%s: %s", command, failure.Error)
	}
	if answer != nil {
		if err := decoder.Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
}
