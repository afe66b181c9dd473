package orders

import "testing"

func TestOrdersSurviveTheirLeader(t *testing.T) {
	kafka.Ask(t, "reset", P{}, nil)
	kafka.Ask(t, "createTopics", P{"topics": []string{"orders"}}, nil)
	var leader int
	kafka.Ask(t, "awaitLeader", P{"topic": "orders"}, &leader)
	kafka.Ask(t, "produce", P{"topic": "orders", "records": []string{"one"}}, nil)
	kafka.Ask(t, "stop", P{"broker": leader}, nil)
	kafka.Ask(t, "produce", P{"topic": "orders", "records": []string{"two"}}, nil)
	kafka.Ask(t, "start", P{"broker": leader}, nil)
	kafka.Ask(t, "awaitIsr", P{"topic": "orders", "isr": 3}, nil)
	var records []struct{ Value string }
	kafka.Ask(t, "consume", P{"topic": "orders", "count": 2}, &records)
	if records[0].Value != "one" || records[1].Value != "two" {
		t.Fatalf("consumed %v", records)
	}
}
