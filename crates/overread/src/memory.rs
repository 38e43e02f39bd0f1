//! How much freed memory the program keeps.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::limits;

/// What glibc's allocator reads before `main`, and never again.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Starts the program anew with a small number of arenas; returns only when that is said already, or cannot be.
///
/// glibc gives each thread an arena, up to eight a processor, and an arena keeps what was freed in it. As images wander
/// over the threads, that grows to many times what is in use.
pub(crate) fn bound() {
    if cfg!(not(target_env = "gnu")) || std::env::var_os(ARENAS).is_some() {
        return;
    }
    if let Err(error) = begin_again() {
        tracing::debug!(%error, "the number of memory arenas stays as it is");
    }
}

/// Replaces this program by itself; returns only when that fails.
fn begin_again() -> io::Result<()> {
    let path = std::env::current_exe()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("ld-") || name.starts_with("ld.so") {
        return Err(io::Error::other("run by the dynamic loader"));
    }
    let mut arguments = std::env::args_os();
    let mut program = Command::new(&path);
    if let Some(name) = arguments.next() {
        program.arg0(name);
    }
    program.args(arguments).env(ARENAS, limits::ARENAS);
    Err(program.exec())
}
