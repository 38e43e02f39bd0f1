//! What a bare Debian machine lacks, installed when we may, asked for in one line when we may not.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{check, command, find, root, say};

/// A program and the Debian package that brings it.
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
}

/// What building takes besides Rust: SQLite and OpenJPEG are C, CharLS is C++ and built by CMake, as is libjpeg-turbo, whose
/// quick paths are for NASM.
pub(crate) const BUILDING: [Need; 4] = [
    Need {
        program: "cc",
        package: "gcc libc6-dev",
    },
    Need {
        program: "c++",
        package: "g++",
    },
    Need {
        program: "cmake",
        package: "cmake make",
    },
    Need {
        program: "nasm",
        package: "nasm",
    },
];
/// Builds the web assets.
pub(crate) const NODE: Need = Need {
    program: "node",
    package: "nodejs",
};
/// Installs the web assets' packages.
pub(crate) const NPM: Need = Need {
    program: "npm",
    package: "npm",
};
/// Runs the browser tests.
pub(crate) const CHROMIUM: Need = Need {
    program: "chromium",
    package: "chromium",
};
/// The second database.
pub(crate) const POSTGRES: Need = Need {
    program: "initdb",
    package: "postgresql",
};
/// Stands in front of two nodes.
pub(crate) const NGINX: Need = Need {
    program: "nginx",
    package: "nginx-light",
};
/// A peer for the DICOM network door; by its whole path, since others bring programs of the same name.
pub(crate) const DCMTK: Need = Need {
    program: "/usr/bin/storescu",
    package: "dcmtk",
};

/// Speaks HTTP/2 to the server.
pub(crate) const CURL: Need = Need {
    program: "curl",
    package: "curl",
};
/// Makes a certificate for the server to show.
pub(crate) const OPENSSL: Need = Need {
    program: "openssl",
    package: "openssl",
};

const OLDEST_NODE: u32 = 20;

/// Makes sure that the programs are there.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs
        .iter()
        .filter(|need| locate(need.program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.package.split(' '))
        .collect();
    install(&packages)
}

/// Installs Debian packages, or asks for them.
fn install(packages: &[&str]) -> Result<()> {
    if !is_root() || find("apt-get").is_none() {
        bail!(
            "please install first: sudo apt-get install {}",
            packages.join(" ")
        );
    }
    say(&format!("installing {}", packages.join(", ")))?;
    let apt = |arguments: &[&str]| {
        let mut apt = command(&root(), "apt-get", arguments);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        check(apt)
    };
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    apt(&arguments)
}

/// Makes sure that a Python is there that can make an environment of its own.
pub(crate) fn ensure_python() -> Result<()> {
    if find_python().is_some() {
        return Ok(());
    }
    install(&["python3", "python3-venv"])
}

/// Finds a Python that can make an environment of its own: Debian's cannot without one more package.
pub(crate) fn find_python() -> Option<PathBuf> {
    let candidates = [find("python3"), Some(PathBuf::from("/usr/bin/python3"))];
    candidates.into_iter().flatten().find(|python| {
        let asked = std::process::Command::new(python)
            .args(["-c", "import ensurepip, venv"])
            .output();
        asked.is_ok_and(|output| output.status.success())
    })
}

/// Makes sure that Node is there and young enough for the web assets' tools.
pub(crate) fn ensure_node() -> Result<()> {
    ensure(&[NODE, NPM])?;
    let output = std::process::Command::new("node")
        .arg("--version")
        .output()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node {OLDEST_NODE} or newer is needed for the web assets, {version} is installed");
    }
    Ok(())
}

/// Finds a program, PostgreSQL's own ones too, which Debian keeps off the search path.
pub(crate) fn locate(program: &str) -> Option<PathBuf> {
    find(program).or_else(|| {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(program)))
            .filter(|candidate| candidate.is_file())
            .collect();
        versions.sort();
        versions.pop()
    })
}

/// Says whether we may install packages and must lend PostgreSQL another user.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|own| own.uid() == 0)
}
