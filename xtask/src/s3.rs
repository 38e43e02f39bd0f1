//! An S3 server for one test run, in memory, ended with the run.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::machine::{ensure_python, find_python};
use crate::run::{check, command, find, root};

/// The version that the tests were written against; it honours ranges, parts, `If-Match` and `If-None-Match`.
const MOTO: &str = "moto[s3,server]==5.2.1";
/// Starts it; by itself it compares and replaces an object in two steps, between which another request may come.
const SERVE: &str = include_str!("s3.py");
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
        let python = python()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(python)
            .args([
                "-c",
                SERVE,
                "-H",
                "127.0.0.1",
                "-p",
                &address.port().to_string(),
            ])
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

/// Finds a Python that holds the server, or installs it beside what is built.
fn python() -> Result<PathBuf> {
    let own = root().join("target/moto/bin/python");
    let known = [own.is_file().then(|| own.clone()), find("python3")];
    if let Some(python) = known.into_iter().flatten().find(|python| holds(python)) {
        return Ok(python);
    }
    ensure_python()?;
    let Some(python) = find_python() else {
        bail!("no Python was found that can make an environment of its own");
    };
    let folder = root().join("target/moto").to_string_lossy().into_owned();
    let python = python.to_string_lossy();
    check(command(&root(), &python, &["-m", "venv", &folder]))?;
    let pip = format!("{folder}/bin/pip");
    check(command(&root(), &pip, &["install", "--quiet", MOTO]))?;
    Ok(own)
}

/// Whether a Python has the server in the version that is asked for.
fn holds(python: &Path) -> bool {
    let version = MOTO.rsplit('=').next().unwrap_or(MOTO);
    let asked = format!("import moto, moto.server; assert moto.__version__ == '{version}'");
    let output = Command::new(python).args(["-c", &asked]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Checks that the server is there, before a long run.
pub(crate) fn ready() -> Result<()> {
    python().map(drop)
}
