//! An S3 server for one test run, in memory, ended with the run.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::machine::{ensure_python, find_python};
use crate::run::{check, command, find, root};

/// The version that the tests were written against; it honours ranges, parts and `If-None-Match`.
const MOTO: &str = "moto[s3,server]==5.2.1";
/// The bucket that tests use parts of.
const BUCKET: &str = "overread-test";
/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Its address.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server at a free port of this machine, with an empty bucket.
    pub(crate) fn start() -> Result<Self> {
        let program = program()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the S3 server cannot be started")?;
        let server = Self {
            child,
            url: format!("http://{address}"),
        };
        let begun = Instant::now();
        while let Err(error) = make_bucket(address) {
            if begun.elapsed() > PATIENCE {
                return Err(error).context("the S3 server does not answer");
            }
            std::thread::yield_now();
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do about a failure here: it holds nothing.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn make_bucket(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "PUT /{BUCKET} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.split(' ').nth(1) != Some("200") {
        bail!("the bucket cannot be made: {answer}");
    }
    Ok(())
}

/// Finds the server, or installs it beside what is built.
fn program() -> Result<PathBuf> {
    if let Some(program) = find("moto_server") {
        return Ok(program);
    }
    let folder = root().join("target/moto");
    let program = folder.join("bin/moto_server");
    if program.is_file() {
        return Ok(program);
    }
    ensure_python()?;
    let Some(python) = find_python() else {
        bail!("no Python was found that can make an environment of its own");
    };
    let folder = folder.to_string_lossy().into_owned();
    let python = python.to_string_lossy();
    check(command(&root(), &python, &["-m", "venv", &folder]))?;
    let pip = format!("{folder}/bin/pip");
    check(command(&root(), &pip, &["install", "--quiet", MOTO]))?;
    Ok(program)
}

/// Checks that the server is there, before a long run.
pub(crate) fn ready() -> Result<()> {
    program().map(drop)
}
