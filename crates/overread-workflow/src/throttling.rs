//! Slows guessing down without locking anybody out for what strangers type.
//!
//! Wrong tries count for one account from one network, and there they wait longer and longer. Those of all networks
//! together make an account wait briefly, so that guessing from many places is bounded too. A browser in which the
//! person signed in before is counted alone: nobody else can make it wait. A network from which many accounts were
//! tried has fewer free tries for each of them, and is never closed.
//! A try is noted before it is checked, so that many at once count too; but only once it has its turn to be checked, so that
//! one refused because others hold all turns counts for nobody. One that must wait anyway asks for no turn.

use overread_model::time::Timestamp;
use overread_store::people::{self, ThrottleRow};
use overread_store::shares::Share;
use overread_store::{Store, Tx};

use crate::{StepError, StepResult, Workflow, limits, passwords};

/// What is guessed at.
pub(crate) struct Guess {
    /// Names the account, link or invitation; kept as a digest.
    pub(crate) target: String,
    /// Address of the peer; empty when unknown.
    pub(crate) address: String,
    /// Names the browser, when the person signed in there before.
    pub(crate) known_browser: Option<String>,
}

/// One count of wrong tries.
struct Count {
    key: Vec<u8>,
    free_tries: i64,
    longest_wait_seconds: i64,
    row: Option<ThrottleRow>,
}

impl Guess {
    /// Names whose turn to have a password hashed it takes: one network's, unless the person signed in in this browser before.
    pub(crate) fn asker(&self) -> String {
        match (&self.known_browser, self.address.as_str()) {
            (Some(_), _) | (None, "") => self.target.clone(),
            (None, address) => format!("network {}", network_of(address)),
        }
    }

    /// Returns the counts of this guess: its own first, then those it shares with others.
    fn counts(&self) -> Vec<Count> {
        let count = |kind: &str, value: &str, free_tries, longest_wait_seconds| Count {
            key: blake3::hash(format!("{kind}\n{value}").as_bytes())
                .as_bytes()
                .to_vec(),
            free_tries,
            longest_wait_seconds,
            row: None,
        };
        let own = |kind: &str, place: &str| {
            let value = format!("{}\n{place}", self.target);
            count(
                kind,
                &value,
                limits::SIGN_IN_FREE_TRIES,
                limits::SIGN_IN_WAIT_MAX_SECONDS,
            )
        };
        if let Some(browser) = &self.known_browser {
            return vec![own("browser", browser)];
        }
        let network = network_of(&self.address);
        let mut counts = vec![
            own("here", &network),
            count(
                "everywhere",
                &self.target,
                limits::SIGN_IN_FREE_TRIES_EVERYWHERE,
                limits::SIGN_IN_WAIT_MAX_SECONDS_EVERYWHERE,
            ),
        ];
        if !network.is_empty() {
            counts.push(count(
                "network",
                &network,
                limits::SIGN_IN_FREE_TRIES_NETWORK,
                0,
            ));
        }
        counts
    }

    async fn read(&self, tx: &mut Tx) -> StepResult<Vec<Count>> {
        let mut counts = self.counts();
        for count in &mut counts {
            count.row = people::throttle(tx, &count.key).await?;
        }
        let crowded = counts
            .iter()
            .filter(|count| count.longest_wait_seconds == 0)
            .any(|count| count.failures() >= count.free_tries);
        if let Some(own) = counts.first_mut().filter(|_| crowded) {
            own.free_tries = 1;
        }
        Ok(counts)
    }
}

impl Count {
    fn failures(&self) -> i64 {
        self.row.map_or(0, |row| row.failure_count)
    }

    /// Returns the row after one more try.
    fn next(&self, now: Timestamp) -> ThrottleRow {
        let failure_count = self.failures() + 1;
        let over = failure_count - self.free_tries;
        let doubled = limits::SIGN_IN_WAIT_SECONDS.saturating_mul(
            1_i64
                .checked_shl(over.clamp(0, 20) as u32)
                .unwrap_or(i64::MAX),
        );
        let wait = doubled.min(self.longest_wait_seconds);
        ThrottleRow {
            failure_count,
            last_at: now.as_micros(),
            blocked_until: if over < 0 || wait == 0 {
                0
            } else {
                now.plus_seconds(wait).as_micros()
            },
        }
    }
}

/// Notes a try, or refuses it while too many went before; returns the turn in which it is checked.
pub(crate) async fn begin(store: &Store, guess: &Guess, now: Timestamp) -> StepResult<Share> {
    // Whoever must wait anyway is told so at once, and takes no turn of the network's others for it.
    unblocked(&mut store.read().await?, guess, now).await?;
    let turn = passwords::turn(&guess.asker()).await?;
    count(store, guess, now).await?;
    Ok(turn)
}

/// As [`begin`], for a try that needs no password to be checked.
pub(crate) async fn count(store: &Store, guess: &Guess, now: Timestamp) -> StepResult<()> {
    let mut tx = store.begin().await?;
    let forgotten = now.plus_seconds(-limits::SIGN_IN_FORGET_SECONDS);
    people::sweep_throttle(&mut tx, forgotten).await?;
    for count in unblocked(&mut tx, guess, now).await? {
        people::set_throttle(&mut tx, &count.key, count.next(now)).await?;
    }
    Ok(tx.commit().await?)
}

/// Returns the counts of a guess, or refuses it while too many went before.
async fn unblocked(tx: &mut Tx, guess: &Guess, now: Timestamp) -> StepResult<Vec<Count>> {
    let counts = guess.read(tx).await?;
    let until = counts
        .iter()
        .filter_map(|count| count.row.map(|row| row.blocked_until))
        .max()
        .unwrap_or(0);
    if until > now.as_micros() {
        return Err(StepError::Limit(wait_text(until, now)));
    }
    Ok(counts)
}

/// Forgets the tries from here that were right in the end; those of others stay.
pub(crate) async fn succeeded(ctx: &Workflow, guess: &Guess) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let counts = guess.read(&mut tx).await?;
    let own = counts.first().map_or(0, Count::failures);
    for (place, count) in counts.iter().enumerate() {
        match count.row {
            Some(_) if place == 0 => people::clear_throttle(&mut tx, &count.key).await?,
            Some(row) => {
                let row = ThrottleRow {
                    failure_count: (row.failure_count - own).max(0),
                    blocked_until: 0,
                    ..row
                };
                people::set_throttle(&mut tx, &count.key, row).await?;
            }
            None => {}
        }
    }
    Ok(tx.commit().await?)
}

/// Counts a refused try from a network; returns how many there were, that one included, since it was last quiet for
/// [`limits::SIGN_IN_FORGET_SECONDS`].
pub(crate) async fn count_refusal(tx: &mut Tx, address: &str, now: Timestamp) -> StepResult<i64> {
    let key = blake3::hash(format!("refused\n{}", network_of(address)).as_bytes());
    let before = people::throttle(tx, key.as_bytes()).await?;
    let row = ThrottleRow {
        failure_count: before.map_or(0, |row| row.failure_count).saturating_add(1),
        last_at: now.as_micros(),
        blocked_until: 0,
    };
    people::set_throttle(tx, key.as_bytes(), row).await?;
    Ok(row.failure_count)
}

/// Returns the network of an address as it is counted; what is no address counts as itself.
fn network_of(address: &str) -> String {
    address.parse().map_or_else(
        |_| address.to_owned(),
        |address| overread_network::network_of(address).to_string(),
    )
}

fn wait_text(until: i64, now: Timestamp) -> String {
    let seconds = (until - now.as_micros()).max(0) / 1_000_000 + 1;
    let minutes = (seconds + 59) / 60;
    format!(
        "There were too many tries. Please wait {minutes} minute{} and try again.",
        if minutes == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use overread_model::time::Timestamp;

    use overread_store::Store;

    use super::{Count, Guess, begin, network_of};
    use crate::{StepError, limits, passwords};

    fn check(free_tries: i64, longest_wait_seconds: i64, tries: usize) -> Vec<i64> {
        let now = Timestamp::from_micros(0);
        let mut count = Count {
            key: Vec::new(),
            free_tries,
            longest_wait_seconds,
            row: None,
        };
        let mut waits = Vec::new();
        for _ in 0..tries {
            let after = count.next(now);
            waits.push(after.blocked_until / 1_000_000);
            count.row = Some(after);
        }
        waits
    }

    #[test]
    fn waiting_grows_and_ends_somewhere() {
        assert_eq!(
            check(5, 900, 11),
            [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
        );
        assert_eq!(check(1, 60, 4), [30, 60, 60, 60]);
        assert_eq!(check(1, 0, 3), [0, 0, 0], "a network is never closed");
    }

    #[test]
    fn one_subscriber_is_one_place() {
        assert_eq!(network_of("192.0.2.7"), "192.0.2.7");
        assert_eq!(network_of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(
            network_of("2001:db8:1:2::5"),
            network_of("2001:db8:1:2:ffff::9")
        );
        assert_ne!(network_of("2001:db8:1:2::5"), network_of("2001:db8:1:3::5"));
        assert_eq!(network_of(""), "");
    }

    async fn open(dir: &tempfile::TempDir) -> Store {
        let path = dir.path().join("overread.sqlite");
        Store::open_sqlite(&path).await.unwrap()
    }

    fn guess(address: &str) -> Guess {
        Guess {
            target: "account a@example.org".to_owned(),
            address: address.to_owned(),
            known_browser: None,
        }
    }

    #[tokio::test]
    async fn whoever_must_wait_anyway_is_told_so_while_others_hold_the_turn() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir).await;
        let (guess, now) = (guess("198.51.100.78"), Timestamp::from_micros(0));
        for _ in 0..limits::SIGN_IN_FREE_TRIES {
            begin(&store, &guess, now).await.unwrap();
        }
        let held = passwords::turn(&guess.asker()).await.unwrap();
        let refused = begin(&store, &guess, now).await.err();
        assert!(
            matches!(&refused, Some(StepError::Limit(text)) if text.contains("wait 1 minute")),
            "{refused:?}"
        );
        drop(held);
    }

    #[tokio::test]
    async fn a_try_that_has_no_turn_yet_counts_for_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir).await;
        let guess = || guess("198.51.100.77");
        let tries = async || {
            // Writing, so that it comes after whatever the waiting try began to write before.
            let mut tx = store.begin().await.unwrap();
            let counts = guess().read(&mut tx).await.unwrap();
            counts.iter().map(Count::failures).sum::<i64>()
        };
        let held = passwords::turn(&guess().asker()).await.unwrap();
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { begin(&store, &guess(), Timestamp::from_micros(0)).await }
        });
        for _ in 0..20 {
            tokio::task::yield_now().await;
            assert_eq!(tries().await, 0);
        }
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.unwrap().unwrap();
        assert_eq!(tries().await, 3, "here, everywhere and of the network");
    }
}
