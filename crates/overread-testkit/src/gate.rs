//! A door in front of a server, which tests shut to see what happens when the server is away.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Passes connections on to a server while it is open.
#[derive(Debug)]
pub struct Gate {
    /// Where to connect instead.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: String,
    way: Mutex<Way>,
    changed: Condvar,
    gets: AtomicUsize,
    turned_away: AtomicUsize,
    passing: Mutex<Vec<Line>>,
}

/// What becomes of what is said through the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Shut,
    /// Lines stand, and nothing passes.
    Still,
    /// Half of the next answer passes.
    Half,
}

#[derive(Debug)]
enum Line {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Line {
    fn connect(target: &str) -> io::Result<Self> {
        if target.starts_with('/') {
            UnixStream::connect(target).map(Self::Unix)
        } else {
            TcpStream::connect(target).map(Self::Tcp)
        }
    }

    fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }

    fn cut(&self) {
        // What is cut already need not be cut.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Gate {
    /// Opens a gate to `host:port` or to the path of a socket.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            way: Mutex::new(Way::Open),
            changed: Condvar::new(),
            gets: AtomicUsize::new(0),
            turned_away: AtomicUsize::new(0),
            passing: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                // A caller who cannot be passed on sees the line cut.
                let _ = passing.pass(Line::Tcp(caller));
            }
        });
        Ok(Self { address, shared })
    }

    /// Cuts every line, and every new one at once.
    pub fn shut(&self) {
        self.shared.set(Way::Shut);
        for line in self.shared.passing().drain(..) {
            line.cut();
        }
    }

    /// Passes new lines on again, and what was held up.
    pub fn open(&self) {
        self.shared.set(Way::Open);
    }

    /// Keeps every line and takes new ones, and lets nothing pass: the server seems to think.
    pub fn stall(&self) {
        self.shared.set(Way::Still);
    }

    /// Lets questions pass, and half of the first answer on each line; then nothing.
    pub fn stall_halfway(&self) {
        self.shared.set(Way::Half);
    }

    /// Returns how many callers came while it was shut.
    pub fn turned_away(&self) -> usize {
        self.shared.turned_away.load(Ordering::SeqCst)
    }

    /// Returns how many GET requests passed.
    pub fn gets(&self) -> usize {
        self.shared.gets.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, way: Way) {
        *self.way() = way;
        self.changed.notify_all();
    }

    /// Waits as long as nothing passes, and returns how much of so many bytes passes before it waits again.
    fn wait(&self, is_asking: bool, count: usize) -> usize {
        let mut way = self.way();
        while *way == Way::Still {
            way = self.wait_on(way);
        }
        if *way == Way::Half && !is_asking {
            count / 2
        } else {
            count
        }
    }

    /// Waits until something else becomes of what is said.
    fn wait_on<'a>(&'a self, way: MutexGuard<'a, Way>) -> MutexGuard<'a, Way> {
        let changed = self.changed.wait(way);
        changed.unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_past_half(&self) {
        let mut way = self.way();
        while *way == Way::Half {
            way = self.wait_on(way);
        }
    }

    fn passing(&self) -> MutexGuard<'_, Vec<Line>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(self: &Arc<Self>, caller: Line) -> io::Result<()> {
        // Locked until the line is noted: one that is shut meanwhile is cut with the others.
        let mut passing = self.passing();
        if *self.way() == Way::Shut {
            caller.cut();
            self.turned_away.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        let server = Line::connect(&self.target)?;
        passing.extend([caller.try_clone()?, server.try_clone()?]);
        drop(passing);
        let ways = [
            (caller.try_clone()?, server.try_clone()?, true),
            (server, caller, false),
        ];
        for (from, to, is_asking) in ways {
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.copy(from, to, is_asking));
        }
        Ok(())
    }

    fn copy(&self, mut from: Line, mut to: Line, is_asking: bool) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count) = from.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            if is_asking && bytes.starts_with(b"GET ") {
                self.gets.fetch_add(1, Ordering::SeqCst);
            }
            if count == 0 {
                break;
            }
            let (now, later) = bytes.split_at(self.wait(is_asking, count));
            if to.write_all(now).is_err() {
                break;
            }
            if !later.is_empty() {
                self.wait_past_half();
                if to.write_all(later).is_err() {
                    break;
                }
            }
        }
        from.cut();
        to.cut();
    }
}
