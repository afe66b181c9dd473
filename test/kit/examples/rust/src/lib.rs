//! A Kafka cluster for cargo test, without Docker and without a JVM, on the standard library alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

pub struct Cluster {
    pub bootstrap_servers: String,
    admin: String,
    child: Child,
}

impl Cluster {
    pub fn start() -> Cluster {
        let command = std::env::var("ODRADEK").unwrap_or("npx odradek".into());
        let mut words = command.split(' ');
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["cluster", "--json", "--exit-with-parent"])
            .stdin(Stdio::piped()) // it ends when this pipe does, however the test ends
            .stdout(Stdio::piped())
            .spawn()
            .expect("odradek can't be run");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let field = |name: &str| -> String {
            let rest = line.split(&format!("\"{name}\":\"")).nth(1).expect("the cluster could not be started");
            rest.split('"').next().unwrap().to_string()
        };
        let admin = field("adminUrl").replace("http://", "");
        Cluster { bootstrap_servers: field("bootstrapServers"), admin, child }
    }

    /// One of the commands of /openapi.json; what it answers, as JSON, or why it did not come about.
    pub fn ask(&self, command: &str, json: &str) -> Result<String, String> {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        let length = json.len();
        write!(
            stream,
            "POST /{command} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{json}",
            self.admin
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let body = body.trim().to_string();
        if head.starts_with("HTTP/1.1 200") { Ok(body) } else { Err(body) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
