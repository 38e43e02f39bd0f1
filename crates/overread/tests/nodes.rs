//! Two nodes on one PostgreSQL and one bucket behind nginx: one is killed again and again, and nothing is lost.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::program::{Running, free_port, listening};

use crate::outside::Outside;
use crate::program::{json, overread, run, text};
use crate::serving::SECRET;

/// How often a node is killed.
const KILLS: u64 = 8;
/// How many send at once.
const SENDERS: u64 = 3;
/// How long a client goes on trying.
const PATIENCE: Duration = Duration::from_secs(30);

struct Node {
    data: PathBuf,
    token: PathBuf,
    port: u16,
}

impl Node {
    /// Starts it and waits until it listens.
    fn start(&self) -> Running {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut child = overread(&["serve", "--listen", &listen])
            .arg("--data")
            .arg(&self.data)
            .arg("--bootstrap-token")
            .arg(&self.token)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with("listening on"), "{line}");
        Running(child)
    }
}

/// Starts nginx in front of the nodes: in turn, and the other one where one does not answer.
fn nginx(folder: &Path, port: u16, nodes: &[Node]) -> Running {
    let servers: String = nodes
        .iter()
        .map(|node| {
            format!(
                "server 127.0.0.1:{} max_fails=1 fail_timeout=1s; ",
                node.port
            )
        })
        .collect();
    let folder = folder.to_str().unwrap();
    // One process: a worker would outlive a master that is killed, and hold on to the output of the tests.
    let config = format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         upstream overread {{ {servers} }}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://overread; proxy_http_version 1.1;\n\
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_connect_timeout 2s;\n\
         proxy_next_upstream error timeout http_502 http_503 non_idempotent; }} }} }}\n"
    );
    let path = format!("{folder}/nginx.conf");
    std::fs::write(&path, config).unwrap();
    listening(
        Command::new("nginx").args(["-e", "stderr", "-c", &path]),
        port,
    )
}

/// Asks once; `None` when the line broke.
fn ask(port: u16, head: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    let head = format!(
        "{head} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n"
    );
    let kind = match body.is_empty() {
        true => "Accept: multipart/related; type=\"application/dicom\"\r\n\r\n",
        false => {
            "Content-Type: multipart/related; type=\"application/dicom\"; boundary=cut\r\n\
             Accept: application/dicom+json\r\n\r\n"
        }
    };
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(kind.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let status = answer
        .get(9..12)
        .and_then(|status| std::str::from_utf8(status).ok())?;
    Some((status.parse().ok()?, answer))
}

/// Asks until it is answered well.
fn ask_again(port: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        match ask(port, head, body) {
            Some((200, answer)) => return answer,
            other => assert!(
                begun.elapsed() < PATIENCE,
                "{head}: {:?}",
                other.map(|(status, answer)| (status, text(&answer)))
            ),
        }
        std::thread::yield_now();
    }
}

fn stow(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"--cut\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--cut--\r\n");
    body
}

fn address(spec: &InstanceSpec) -> String {
    format!(
        "GET /dicom-web/studies/{}/series/{}/instances/{}",
        spec.study_instance_uid, spec.series_instance_uid, spec.sop_instance_uid
    )
}

fn holds(answer: &[u8], bytes: &[u8]) -> bool {
    // Preambles are sent empty.
    let bytes = &bytes[128..];
    let begin = answer.windows(4).position(|window| window == b"DICM");
    begin.is_some_and(|begin| answer[begin..].starts_with(bytes))
}

#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test reads its own switch and tells what it skips"
)]
fn is_wanted() -> bool {
    let is_wanted = std::env::var_os("OVERREAD_TEST_NODES").is_some();
    if !is_wanted {
        eprintln!("skipped: two nodes behind nginx (OVERREAD_TEST_NODES is not set)");
    }
    is_wanted
}

/// Tells the other threads to end.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type Kept = HashMap<(u64, u64), Vec<u8>>;
type Acknowledged = Arc<Mutex<Kept>>;

/// Sends instances of one study until told to stop, each until it is acknowledged.
fn send(port: u16, lane: u64, kept: &Acknowledged, stop: &AtomicBool) {
    for number in 1.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        // Lanes share a series, so that both nodes add to it at once.
        let instance = number * SENDERS + lane;
        let series = 1 + number % 2;
        let bytes = InstanceSpec::mr(1, series, instance).part10().unwrap();
        ask_again(port, "POST /dicom-web/studies", &stow(&bytes));
        kept.lock().unwrap().insert((series, instance), bytes);
    }
}

/// Reads what was acknowledged, while a node is killed.
fn read(port: u16, kept: &Acknowledged, stop: &AtomicBool, count: &AtomicU64) {
    while !stop.load(Ordering::SeqCst) {
        let some: Vec<_> = kept
            .lock()
            .unwrap()
            .iter()
            .take(3)
            .map(|(key, bytes)| (*key, bytes.clone()))
            .collect();
        for ((series, instance), bytes) in some {
            let answer = ask_again(port, &address(&InstanceSpec::mr(1, series, instance)), b"");
            assert!(holds(&answer, &bytes), "instance {instance} differs");
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_nodes_are_killed() {
    let Some(outside) =
        is_wanted().then(|| Outside::new("nodes").expect("both servers are offered"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let nodes: Vec<Node> = ["one", "two"]
        .iter()
        .map(|name| {
            let data = dir.path().join(name);
            outside.configure(&data, None, None);
            Node {
                data,
                token: token.clone(),
                port: free_port(),
            }
        })
        .collect();
    let mut running: Vec<Option<Running>> = nodes.iter().map(|node| Some(node.start())).collect();
    let port = free_port();
    let _nginx = nginx(dir.path(), port, &nodes);
    let (kept, stop, count) = (
        Acknowledged::default(),
        AtomicBool::new(false),
        AtomicU64::new(0),
    );
    std::thread::scope(|scope| {
        // Also when this thread fails: the others would go on for ever, and nobody would hear why.
        let _stop = StopAtEnd(&stop);
        for lane in 0..SENDERS {
            let (kept, stop) = (&kept, &stop);
            scope.spawn(move || send(port, lane, kept, stop));
        }
        scope.spawn(|| read(port, &kept, &stop, &count));
        for round in 0..KILLS {
            let random = random_of(round);
            let before = kept.lock().unwrap().len();
            let begun = Instant::now();
            // The moment differs each round: behind some acknowledgements and a little more.
            while kept.lock().unwrap().len() < before + usize::from(random[0] % 12) + 1 {
                assert!(
                    begun.elapsed() < PATIENCE,
                    "nothing is acknowledged any more"
                );
                std::thread::yield_now();
            }
            let killed = usize::from(random[1] % 2);
            running[killed] = None;
            let before = kept.lock().unwrap().len();
            let begun = Instant::now();
            while kept.lock().unwrap().len() < before + 3 {
                assert!(begun.elapsed() < PATIENCE, "one node alone does not go on");
                std::thread::yield_now();
            }
            running[killed] = Some(nodes[killed].start());
        }
    });
    assert!(count.load(Ordering::SeqCst) > 0, "nothing was read");
    let kept = kept.lock().unwrap();
    every_node_has(&nodes, &kept);
    nothing_is_made_anew_beside_nodes(&outside, &dir.path().join("beside"));
    drop(running);
    let data = nodes[0].data.to_str().unwrap();
    let verified = run(&["verify", "--json", "--data", data]);
    let report = json(&verified);
    // What a killed node had synced and not acknowledged is for a rebuild.
    let said = text(&verified.stdout);
    assert_eq!(report["damaged"], serde_json::json!([]), "{said}");
    assert!(report["instances"].as_u64().unwrap() >= kept.len() as u64);
}

/// A folder of another machine has a lock of its own, and the database one for all.
fn nothing_is_made_anew_beside_nodes(outside: &Outside, data: &Path) {
    outside.configure(data, None, None);
    let refused = run(&["rebuild", "--data", data.to_str().unwrap()]);
    let said = text(&refused.stderr);
    assert!(said.contains("stop every node first"), "{said}");
}

/// Reads everything that was acknowledged from each node.
fn every_node_has(nodes: &[Node], kept: &Kept) {
    for node in nodes {
        for ((series, instance), bytes) in kept.iter() {
            let answer = ask_again(
                node.port,
                &address(&InstanceSpec::mr(1, *series, *instance)),
                b"",
            );
            assert!(
                holds(&answer, bytes),
                "instance {instance} differs on {}",
                node.port
            );
        }
    }
}

/// Numbers that look random and are the same in every run.
fn random_of(round: u64) -> [u8; 2] {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [(mixed >> 24) as u8, (mixed >> 48) as u8]
}
