//! A PostgreSQL server for one test run, in a folder of its own, ended with the run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::machine::{POSTGRES, ensure, is_root, locate};
use crate::run::check;

/// A running server; dropping it ends it and removes its folder.
pub(crate) struct Server {
    folder: PathBuf,
    control: PathBuf,
    /// Address of the server, without a database.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server that listens on a socket in its own folder only.
    pub(crate) fn start() -> Result<Self> {
        ensure(&[POSTGRES])?;
        let tool = |name| locate(name).with_context(|| format!("PostgreSQL's {name} is missing"));
        let (initdb, control) = (tool("initdb")?, tool("pg_ctl")?);
        let folder = std::env::temp_dir().join(format!("overread-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        if is_root() {
            check(command("chown", &["postgres", &folder.to_string_lossy()]))?;
        }
        let data = folder.join("data");
        let mut init = as_postgres(&initdb);
        init.args([
            "--auth=trust",
            "--username=overread",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
            "-D",
        ]);
        init.arg(&data).stdout(Stdio::null());
        check(init)?;
        let options = format!(
            "-k {} -c listen_addresses='' -c max_connections=100",
            folder.display()
        );
        let mut start = as_postgres(&control);
        start
            .args(["start", "-w", "-s", "-l"])
            .arg(folder.join("log"))
            .arg("-o")
            .arg(options)
            .arg("-D")
            .arg(&data);
        start.stdout(Stdio::null());
        check(start)?;
        let host = folder.to_string_lossy().replace('/', "%2F");
        Ok(Self {
            control,
            url: format!("postgres://overread@{host}/postgres"),
            folder,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = as_postgres(&self.control);
        stop.args(["stop", "-m", "immediate", "-s", "-D"])
            .arg(self.folder.join("data"));
        // Nothing is left to do about a failure here: the folder is temporary.
        drop(stop.status());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// PostgreSQL refuses to run as root, so root lends it Debian's user.
fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut lent = Command::new("setpriv");
        lent.args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program);
        lent
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// Checks that the user PostgreSQL needs is there, before a long run.
pub(crate) fn ready() -> Result<()> {
    ensure(&[POSTGRES])?;
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if is_root() && !users.lines().any(|line| line.starts_with("postgres:")) {
        check(command(
            "useradd",
            &["--system", "--no-create-home", "postgres"],
        ))?;
    }
    if is_root() && locate("setpriv").is_none() {
        bail!("please install first: sudo apt-get install util-linux");
    }
    Ok(())
}
