//! The three doors by which images come in, as a client sees them: every answer may also fail to come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use overread_testkit::peer::Peer;

use crate::program::overread;
use crate::serving::{SECRET, Server};

/// How long a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A status and the bytes behind the header.
pub(crate) type Answer = Option<(u16, Vec<u8>)>;

/// An answer with its header, in lower case.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A server with its doors open; dropping it kills it.
pub(crate) struct Doors {
    pub(crate) server: Server,
    pub(crate) dimse: SocketAddr,
}

impl Doors {
    pub(crate) fn open(data: &Path) -> Self {
        Self::of(overread(&[]), data)
    }

    /// Opens them by a command that becomes the program.
    pub(crate) fn of(program: Command, data: &Path) -> Self {
        Self::logging(program, data, Stdio::null())
    }

    /// As [`Self::of`], with where its log goes.
    pub(crate) fn logging(mut program: Command, data: &Path, log: Stdio) -> Self {
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&token, SECRET).unwrap();
        program.arg("serve").arg("--data").arg(data);
        program.args(["--listen", "127.0.0.1:0", "--dimse", "127.0.0.1:0"]);
        program.arg("--bootstrap-token").arg(token.path());
        let mut server = Server::logging(program, log);
        let line = server.next_line();
        let address = line.strip_prefix("listening on dicom://").unwrap();
        let dimse = address.parse().unwrap();
        Self { server, dimse }
    }

    pub(crate) fn client(&self) -> Client {
        Client(self.server.address().parse().unwrap())
    }

    /// Returns the most memory that the server has held so far, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_bytes(&self) -> u64 {
        let told = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = told.lines().find(|line| line.starts_with("VmHWM:"));
        let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kibibytes.parse::<u64>().unwrap() * 1024
    }
}

/// Who asks at the web door.
#[derive(Clone, Copy)]
pub(crate) struct Client(SocketAddr);

impl Client {
    /// Returns where it asks.
    pub(crate) fn address(self) -> String {
        self.0.to_string()
    }

    /// Asks once; `None` when the line broke, and for an answer that is not whole.
    pub(crate) fn ask(self, what: &str, headers: &str, body: &[u8]) -> Answer {
        let told = self.tell(what, headers, body)?;
        Some((told.status, told.body))
    }

    fn tell(self, what: &str, headers: &str, body: &[u8]) -> Option<Told> {
        let mut stream = TcpStream::connect(self.0).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let head = format!(
            "{what} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {}\r\n{headers}\r\n",
            self.0,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        // Who refuses early answers before everything is sent, and the answer counts.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let whole = stream.read_to_end(&mut answer).is_ok();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = answer.split_off(end + 4);
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        let is_whole = length.map_or(whole, |length| length == body.len());
        is_whole.then_some(Told { status, head, body })
    }

    /// Sends a form.
    pub(crate) fn post(self, path: &str, form: &str) -> Answer {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask(&format!("POST {path}"), headers, form.as_bytes())
    }

    pub(crate) fn stow(self, parts: &[&[u8]]) -> Answer {
        let told = self.tell_stow(parts)?;
        Some((told.status, told.body))
    }

    /// As [`Self::stow`], with the header of the answer.
    pub(crate) fn tell_stow(self, parts: &[&[u8]]) -> Option<Told> {
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(b"--cut\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let headers = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=cut\r\n\
             Accept: application/dicom+json\r\n";
        self.tell("POST /dicom-web/studies", headers, &body)
    }

    pub(crate) fn zip(self, bytes: &[u8]) -> Answer {
        let told = self.tell_zip(bytes)?;
        Some((told.status, told.body))
    }

    /// As [`Self::zip`], with the header of the answer.
    pub(crate) fn tell_zip(self, bytes: &[u8]) -> Option<Told> {
        let headers = "Content-Type: application/zip\r\n";
        self.tell("POST /api/deliveries", headers, bytes)
    }

    /// Returns the status of an instance, and its file as it is given out.
    pub(crate) fn instance(self, study: &str, series: &str, instance: &str) -> Answer {
        let what = format!("GET /dicom-web/studies/{study}/series/{series}/instances/{instance}");
        let accept = "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*\r\n";
        let (status, answer) = self.ask(&what, accept, b"")?;
        let begin = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let end = answer.windows(4).rposition(|window| window == b"\r\n--");
        match (begin, end) {
            (Some(begin), Some(end)) if status == 200 => {
                Some((status, answer[begin + 4..end].to_vec()))
            }
            _ => Some((status, answer)),
        }
    }
}

/// What a file says of itself in group 0002, or what a sender would say for it.
pub(crate) struct Said {
    pub(crate) class: String,
    pub(crate) instance: String,
    pub(crate) transfer_syntax: String,
    /// Where the data set begins.
    pub(crate) begin: usize,
}

/// Reads group 0002 as far as it goes.
pub(crate) fn said(file: &[u8]) -> Said {
    let mut said = Said {
        class: overread_testkit::peer::MR.to_owned(),
        instance: "2.25.99".to_owned(),
        transfer_syntax: overread_testkit::peer::IMPLICIT.to_owned(),
        begin: 0,
    };
    if file.get(128..132) != Some(b"DICM") {
        return said;
    }
    said.begin = 132;
    while let Some([2, 0, low, high, vr @ .., a, b]) = file.get(said.begin..said.begin + 8) {
        let is_long = matches!(vr, b"OB" | b"UN" | b"SQ" | b"UT" | b"OW");
        let (head, length) = if is_long {
            let length = file[said.begin + 8..].first_chunk().unwrap();
            (12, u32::from_le_bytes(*length) as usize)
        } else {
            (8, usize::from(u16::from_le_bytes([*a, *b])))
        };
        let Some(value) = file.get(said.begin + head..said.begin + head + length) else {
            break;
        };
        let text = String::from_utf8_lossy(value);
        let text = text.trim_end_matches(['\0', ' ']).to_owned();
        match u16::from_le_bytes([*low, *high]) {
            0x0002 => said.class = text,
            0x0003 => said.instance = text,
            0x0010 => said.transfer_syntax = text,
            _ => {}
        }
        said.begin += head + length;
    }
    said
}

/// Stores a file's data set as it is; `None` when the association is refused or ends.
pub(crate) fn store(address: SocketAddr, file: &[u8]) -> Option<u16> {
    let said = said(file);
    let contexts = [(&*said.class, vec![&*said.transfer_syntax])];
    let mut peer = Peer::with(address, "TESTPEER", &contexts).ok()?;
    peer.store_over(
        &said.class,
        &said.class,
        &said.instance,
        &file[said.begin..],
    )
}
