//! `serve` and `demo`: ready line, tokens, a stop that ends cleanly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};

use crate::program::overread;

/// A running server; dropping it kills it.
pub(crate) struct Server {
    child: Child,
    printed: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    pub(crate) fn start(data: &Path, extra: &[&str]) -> Self {
        let mut arguments = vec![
            "serve",
            "--data",
            data.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ];
        arguments.extend(extra);
        Self::of(overread(&arguments))
    }

    /// Starts a command that becomes a server, and waits until it listens.
    pub(crate) fn of(command: Command) -> Self {
        Self::logging(command, Stdio::null())
    }

    /// As [`Self::of`], with where its log goes.
    pub(crate) fn logging(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            printed,
            address: String::new(),
        };
        let line = server.next_line();
        let address = line.strip_prefix("listening on http://").unwrap();
        server.address = address.to_owned();
        server
    }

    /// Returns where it listens: `127.0.0.1:8080`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads the next line that it prints.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.printed.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Kills it as `kill -9` does: nothing of the program can clean up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, and waits until it has ended well.
    pub(crate) fn stop(&mut self) {
        let told = std::process::Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        assert!(self.child.wait().unwrap().success());
    }

    /// Sends a request and returns status and body.
    pub(crate) fn ask(&self, head: &str, body: &[u8]) -> (u16, String) {
        let answer = self.answer(head, body);
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Sends a request and returns the first cookie that is set.
    fn cookie(&self, head: &str, body: &[u8]) -> String {
        let answer = self.answer(head, body);
        let line = answer.split("set-cookie: ").nth(1);
        let line = line.unwrap_or_else(|| panic!("no cookie: {answer}"));
        line.split(';').next().unwrap().to_owned()
    }

    pub(crate) fn answer(&self, head: &str, body: &[u8]) -> String {
        String::from_utf8_lossy(&self.bytes(head, body)).into_owned()
    }

    /// Sends a request and returns everything that comes.
    pub(crate) fn bytes(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nHost: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }
}

/// A demonstration, and what it says of itself.
fn demonstration(data: &Path) -> (Server, serde_json::Value) {
    let arguments = [
        "demo",
        "--json",
        "--data",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let mut child = overread(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let value: serde_json::Value = loop {
        assert!(
            printed.read_line(&mut told).unwrap() > 0,
            "it ended: {told}"
        );
        if let Ok(value) = serde_json::from_str(&told) {
            break value;
        }
    };
    let address = value["address"].as_str().unwrap();
    let address = address.trim_start_matches("http://").to_owned();
    let server = Server {
        child,
        address,
        printed,
    };
    (server, value)
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn it_tells_the_allocator_to_keep_little() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&dir.path().join("data"), &[]);
    let told = std::fs::read(format!("/proc/{}/environ", server.child.id())).unwrap();
    let mut told = told.split(|byte| *byte == 0);
    assert!(told.any(|line| line.starts_with(b"MALLOC_ARENA_MAX=")));
    server.stop();
}

#[test]
fn everybody_in_the_demonstration_has_something_to_see() {
    let folder = tempfile::tempdir().unwrap();
    let (server, told) = demonstration(&folder.path().join("data"));
    let case = told["cases"][0]["case_id"].as_str().unwrap();
    for person in told["people"].as_array().unwrap() {
        let (role, email) = (
            person["role"].as_str().unwrap(),
            person["email"].as_str().unwrap(),
        );
        let form = format!(
            "email={}&password={}",
            email.replace('@', "%40"),
            person["password"].as_str().unwrap()
        );
        let head = "POST /sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
        let cookie = server.cookie(head, form.as_bytes());
        let home = if role == "administrator" {
            "/people"
        } else {
            "/cases"
        };
        let head = format!("GET {home} HTTP/1.1\r\nCookie: {cookie}");
        let (status, body) = server.ask(&head, b"");
        assert_eq!(status, 200, "{email}");
        let seen = match (role, email) {
            ("administrator", _) => "Marta Lindqvist",
            // The clinical specialist is in the directory to be chosen, and was not asked yet.
            (_, "surgeon@demo.example") => continue,
            _ => case,
        };
        assert!(body.contains(seen), "{email} sees nothing");
        if matches!(role, "referring_physician" | "insurer" | "representative") {
            let head = format!("GET /cases/{case}/report HTTP/1.1\r\nCookie: {cookie}");
            let (status, body) = server.ask(&head, b"");
            assert_eq!(status, 200, "{email}: {body}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) const SECRET: &str = "provisioned-secret-0123456789abcdef";

#[test]
fn answers_name_the_host_that_was_asked_where_it_listens_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let (data, token) = (data.to_str().unwrap(), token.to_str().unwrap());
    let everywhere = ["serve", "--data", data, "--listen", "0.0.0.0:0"];
    let server = Server::of(overread(
        &[&everywhere[..], &["--bootstrap-token", token]].concat(),
    ));
    let file = InstanceSpec::mr(5, 1, 1).part10().unwrap();
    let files = [DiscFile::new("IM1", file)];
    let head = format!(
        "POST /api/deliveries HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/zip"
    );
    assert_eq!(server.ask(&head, &zip_of(&files, true).unwrap()).0, 200);
    let check = |host: &str, expect: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(
            stream,
            "GET /dicom-web/studies HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SECRET}\r\n\
             Accept: application/dicom+json\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let url = format!("\"http://{expect}/dicom-web/studies/");
        assert!(answer.contains(&url), "{host}: {answer}");
        assert!(!answer.contains("0.0.0.0"), "{host}: {answer}");
    };
    check("pacs.example:8080", "pacs.example:8080");
    check("a/b\"", "localhost");
}

#[test]
fn the_link_of_the_first_start_opens_also_where_it_listens_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let everywhere = ["--data", data.to_str().unwrap(), "--listen", "0.0.0.0:0"];
    let mut child = overread(&[&["serve"], &everywhere[..]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap());
    let link = told
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("first start:"));
    child.kill().unwrap();
    child.wait().unwrap();
    let link = link.unwrap();
    assert!(link.contains(" http://localhost:"), "{link}");
}

#[test]
fn a_bootstrap_token_delivers_and_finds_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let server = Server::start(&data, &["--bootstrap-token", token.to_str().unwrap()]);
    assert_eq!(server.ask("GET /healthz HTTP/1.1", b"").0, 200);
    assert_eq!(
        server.ask("GET /dicom-web/studies HTTP/1.1", b"").0,
        401,
        "nobody"
    );

    let files = [DiscFile::new(
        "IM1",
        InstanceSpec::mr(5, 1, 1).part10().unwrap(),
    )];
    let head = format!(
        "POST /api/deliveries HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/zip"
    );
    let (status, body) = server.ask(&head, &zip_of(&files, true).unwrap());
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"instances_stored\":1"), "{body}");
    let wrong = head.replace(SECRET, "provisioned-secret-of-somebody-else!");
    assert_eq!(server.ask(&wrong, b"x").0, 401);

    let search = format!(
        "GET /dicom-web/studies HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nAccept: application/dicom+json"
    );
    let (status, body) = server.ask(&search, b"");
    assert_eq!(status, 200);
    assert!(body.contains("MRI LUMBAR SPINE"), "{body}");

    let made = crate::program::run(&[
        "token",
        "create",
        "--data",
        data.to_str().unwrap(),
        "--role",
        "reviewer",
        "--name",
        "while it runs",
    ]);
    let reviewer = crate::program::text(&made.stdout);
    let (status, body) = server.ask(&search.replace(SECRET, reviewer.trim()), b"");
    assert!(
        status == 204 || body.trim_end().ends_with("[]"),
        "a reviewer's token sees no case it was not given: {body}"
    );
}

/// One token may keep half of all connections busy, however fast it sends, and no more once others need a place.
#[test]
fn one_token_does_not_take_every_connection() {
    const CONNECTIONS: usize = 384;
    // As long as this pays for, at the least speed: nobody counts as slow here.
    const START_BYTES: usize = 128 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let server = Server::start(&data, &["--bootstrap-token", token.to_str().unwrap()]);
    let head = format!(
        "POST /dicom-web/studies HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: multipart/related; type=\"application/dicom\"; boundary=cut\r\n\
         Content-Length: 10000000\r\n\r\n--cut\r\nContent-Type: application/dicom\r\n\r\n"
    );
    let mut kept = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&[0; START_BYTES]).unwrap();
        kept.push(stream);
    }
    let begun = std::time::Instant::now();
    let is_answered = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let asked =
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        asked.is_ok() && answer.starts_with(b"HTTP/1.1 200")
    };
    // The last ones may not have said yet who they are.
    while !is_answered() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "no place is left for others"
        );
    }
}

#[test]
fn a_workstation_is_told_of_work_over_a_channel() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let mut server = Server::start(&data, &["--bootstrap-token", token.to_str().unwrap()]);
    let bearer = format!("Authorization: Bearer {SECRET}");
    let worklist = "/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/STATION";
    let (status, body) = server.ask(&format!("POST {worklist} HTTP/1.1\r\n{bearer}"), b"");
    assert_eq!(status, 201, "{body}");
    let open = |more: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let address = server.address();
        write!(
            stream,
            "GET /dicom-web/ws/subscribers/STATION HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        )
        .unwrap();
        stream
    };
    let read_until = |stream: &mut TcpStream, wanted: &str| {
        let mut read = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&read).contains(wanted) {
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "it ended: {}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&piece[..count]);
        }
    };
    read_until(&mut open(""), "HTTP/1.1 401");
    let mut channel = open(&format!("{bearer}\r\n"));
    read_until(&mut channel, "HTTP/1.1 101");
    let order = r#"{"00404005":{"vr":"DT","Value":["20260302101500"]},"00404041":{"vr":"CS","Value":["READY"]},
        "00741000":{"vr":"CS","Value":["SCHEDULED"]},"00741200":{"vr":"CS","Value":["LOW"]},
        "00741202":{"vr":"LO","Value":["Work"]},"00741204":{"vr":"LO","Value":["Segment"]}}"#;
    let create = format!(
        "POST /dicom-web/workitems?2.25.7 HTTP/1.1\r\n{bearer}\r\nContent-Type: application/dicom+json"
    );
    assert_eq!(server.ask(&create, order.as_bytes()).0, 201);
    read_until(&mut channel, "2.25.7");
    // An open channel keeps nobody from stopping.
    server.stop();
}

#[test]
fn the_program_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(folder.path(), &[]).stop();
}

#[test]
fn a_folder_is_served_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    let mut server = Server::start(folder.path(), &[]);
    let second = crate::program::run(&serve);
    assert!(!second.status.success());
    let said = crate::program::text(&second.stderr);
    assert!(said.contains("serves the data folder"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    assert!(second.stdout.is_empty());
    let listed = crate::program::run(&["token", "list", "--data", data]);
    assert!(listed.status.success());
    assert_eq!(server.ask("GET /healthz HTTP/1.1", b"").0, 200);
    server.kill();
    let server = Server::start(folder.path(), &[]);
    assert_eq!(server.ask("GET /healthz HTTP/1.1", b"").0, 200);
}

#[test]
fn a_certificate_that_is_not_there_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n";
    std::fs::write(folder.path().join("config.toml"), settings).unwrap();
    let data = folder.path().to_str().unwrap();
    let ran = crate::program::run(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert!(!ran.status.success());
    let said = crate::program::text(&ran.stderr);
    let path = folder.path().join("chain.pem");
    let expect = format!("tls.certificate: {} cannot be read", path.display());
    assert!(said.contains(&expect), "{said}");
    assert!(ran.stdout.is_empty());
}

#[test]
fn what_the_system_says_is_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (listen, door) in [
        (vec!["--listen", &address], "cannot listen at"),
        (
            vec!["--listen", "127.0.0.1:0", "--dimse", &address],
            "cannot listen for DICOM at",
        ),
    ] {
        let ran = crate::program::run(&[vec!["serve", "--data", data], listen].concat());
        assert_eq!(ran.status.code(), Some(1));
        let said = crate::program::text(&ran.stderr);
        let expect = format!("{door} {address}: another program listens there already");
        assert!(
            said.contains(&expect) && said.contains("choose another port"),
            "{said}"
        );
    }
    let port = overread_testkit::program::free_port();
    let peer = format!(
        "[[dimse.peers]]\nname = 'hospital'\nae_title = 'PACS'\naddress = '127.0.0.1'\nport = {port}\n"
    );
    std::fs::write(folder.path().join("config.toml"), peer).unwrap();
    let ran = crate::program::run(&["pacs", "echo", "hospital", "--data", data]);
    assert_eq!(ran.status.code(), Some(1));
    let said = crate::program::text(&ran.stderr);
    let expect = format!(
        "hospital (127.0.0.1:{port}): it cannot be reached: nothing listens there: check the address"
    );
    assert!(said.contains(&expect), "{said}");
}
