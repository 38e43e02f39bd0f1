//! Discs in trouble: one that is small, and one that fails or hangs when it is told to.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use crate::doors::PATIENCE;
use crate::program::{overread, text};

/// Room of the small disc.
const MEBIBYTES: usize = 32;

/// A disc of its own that only the programs of this test see; it is gone with the test.
pub(crate) struct SmallDisc {
    holder: Child,
    flags: &'static [&'static str],
    /// Where programs on it see it.
    pub(crate) root: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisc {
    /// Makes one, where this machine allows it.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn new() -> Option<Self> {
        let ways: [&[&str]; 2] = [&["--user", "--mount"], &["--mount"]];
        let found = ways.into_iter().find_map(Self::by);
        if found.is_none() {
            eprintln!("skipped: this machine lets a test mount no disc of its own");
        }
        found
    }

    fn by(flags: &'static [&'static str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script =
            format!("mount -t tmpfs -o size={MEBIBYTES}m tmpfs \"$0\" && echo ready && exec cat");
        let mut holder = Command::new("unshare");
        let is_user = flags.contains(&"--user");
        holder
            .args(flags)
            .args(is_user.then_some("--map-root-user"));
        let mut holder = holder
            .args(["sh", "-c", &script])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut told = BufReader::new(holder.stdout.take()?);
        let is_ready = told.read_line(&mut line).is_ok() && line.trim() == "ready";
        let small = Self {
            holder,
            flags,
            root: folder.path().to_owned(),
            _folder: folder,
        };
        is_ready.then_some(small)
    }

    /// Returns a command that runs a program where the disc is.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string()])
            .args(self.flags);
        if self.flags.contains(&"--user") {
            command.arg("--preserve-credentials");
        }
        command
            .arg(program)
            .env_remove("OVERREAD_DATA")
            .env_remove("OVERREAD_LOG");
        command
    }

    pub(crate) fn overread(&self) -> Command {
        self.program(env!("CARGO_BIN_EXE_overread"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.overread().args(arguments).output().unwrap()
    }

    /// Returns where this test sees a file of it.
    fn seen_from_outside(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// Mounts it anew, with other options.
    pub(crate) fn remount(&self, options: &str) {
        let mut mount = self.program("mount");
        mount
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.root);
        let done = mount.output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) -> PathBuf {
        let ballast = self.seen_from_outside(&self.root.join("ballast"));
        let mut file = std::fs::File::create(&ballast).unwrap();
        let mut piece = vec![1_u8; 1 << 20];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
        ballast
    }
}

impl Drop for SmallDisc {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A data folder whose files fail or hang when told to, as the program sees them. The kernel lets nobody make a file system
/// read-only while files on it are open to be written, unless it found an error, so a library loaded into the program says
/// what the kernel would say.
pub(crate) struct FailingDisc {
    pub(crate) data: PathBuf,
    library: PathBuf,
    trouble: PathBuf,
    _folder: tempfile::TempDir,
}

impl FailingDisc {
    /// Makes one, on Linux.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn new() -> Option<Self> {
        if cfg!(not(target_os = "linux")) {
            eprintln!("skipped: a disc that fails is made on Linux alone");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("failing_disc.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failing_disc.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(&library).arg(source).arg("-ldl");
        let made = compiler.status().expect("cc, which linked this test, too");
        assert!(made.success(), "failing_disc.c cannot be compiled");
        let trouble = folder.path().join("trouble");
        std::fs::create_dir(&trouble).unwrap();
        Some(Self {
            data: folder.path().join("data"),
            library,
            trouble,
            _folder: folder,
        })
    }

    /// Returns the program on this disc.
    pub(crate) fn overread(&self) -> Command {
        let mut command = overread(&[]);
        command
            .env("LD_PRELOAD", &self.library)
            .env("OVERREAD_TEST_DISC", &self.data)
            .env("OVERREAD_TEST_TROUBLE", &self.trouble);
        command
    }

    /// Begins a trouble: `read-only`, `still`, `still-packs`.
    pub(crate) fn turns(&self, trouble: &str) {
        std::fs::write(self.trouble.join(trouble), "").unwrap();
    }

    /// Ends every trouble.
    pub(crate) fn is_well(&self) {
        for entry in std::fs::read_dir(&self.trouble).unwrap() {
            // What says that somebody waits may come and go.
            let _ = std::fs::remove_file(entry.unwrap().path());
        }
    }

    /// Waits until the program waits for the disc.
    pub(crate) fn wait_until_somebody_waits(&self) {
        let begun = Instant::now();
        while !self.trouble.join("waiting").exists() {
            assert!(begun.elapsed() < PATIENCE, "nobody waits for the disc");
            std::thread::yield_now();
        }
    }
}
