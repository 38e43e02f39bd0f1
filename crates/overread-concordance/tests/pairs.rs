//! Where the pairs are and how they are read.

use serde_json::Value;

/// A folder of pairs with gold.
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<Value>,
    pub(crate) gold: Vec<Value>,
}

fn lines(path: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(
        text.lines()
            .filter(|l| !l.trim().is_empty())
            .map(|l| serde_json::from_str(l).unwrap())
            .collect(),
    )
}

/// Reads a batch of our own.
pub(crate) fn own(batch: &str) -> Pairs {
    let dir = format!("{}/testdata/pairs/{batch}", env!("CARGO_MANIFEST_DIR"));
    at(&dir).expect("own pairs are part of the repository")
}

/// Reads the shared pairs when they are there.
pub(crate) fn shared() -> Option<Pairs> {
    at(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/pairs/shared"
    ))
}

fn at(dir: &str) -> Option<Pairs> {
    Some(Pairs {
        pairs: lines(&format!("{dir}/pairs.jsonl"))?,
        gold: lines(&format!("{dir}/gold.jsonl"))?,
    })
}
