use orders::Cluster;

#[test]
fn orders_survive_their_leader() {
    let cluster = Cluster::start();
    cluster.ask("createTopics", r#"{"topics":["orders"]}"#).unwrap();
    let leader = cluster.ask("awaitLeader", r#"{"topic":"orders"}"#).unwrap();
    cluster.ask("produce", r#"{"topic":"orders","records":["one"]}"#).unwrap();
    cluster.ask("stop", &format!(r#"{{"broker":{leader}}}"#)).unwrap();
    cluster.ask("produce", r#"{"topic":"orders","records":["two"]}"#).unwrap();
    cluster.ask("start", &format!(r#"{{"broker":{leader}}}"#)).unwrap();
    cluster.ask("awaitIsr", r#"{"topic":"orders","isr":3}"#).unwrap();
    let acknowledged = r#"{"topic":"orders","acknowledged":["one","two"]}"#;
    cluster.ask("expectEveryAcknowledgedRecordOnce", acknowledged).unwrap();
    assert!(cluster.ask("stop", r#"{"broker":9}"#).unwrap_err().contains("there is no broker 9"));
}
