//! Slows guessing down, by account and by address. A try is noted before it is checked, so that many at once count too.

use overread_model::time::Timestamp;
use overread_store::people::{self, ThrottleRow};

use crate::{StepError, StepResult, Workflow, limits};

/// What is guessed at.
pub(crate) struct Guess {
    /// Names the account, link or invitation; kept as a digest.
    pub(crate) target: String,
    /// Address of the peer; empty when unknown.
    pub(crate) address: String,
}

impl Guess {
    fn keys(&self) -> Vec<(Vec<u8>, i64)> {
        let key = |kind: &str, value: &str| {
            blake3::hash(format!("{kind}\n{value}").as_bytes())
                .as_bytes()
                .to_vec()
        };
        let mut keys = vec![(
            key("target", &self.target),
            limits::SIGN_IN_FREE_TRIES_ACCOUNT,
        )];
        if !self.address.is_empty() {
            keys.push((
                key("address", &self.address),
                limits::SIGN_IN_FREE_TRIES_ADDRESS,
            ));
        }
        keys
    }
}

/// Notes a try, or refuses it while too many went before.
pub(crate) async fn begin(ctx: &Workflow, guess: &Guess, now: Timestamp) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let forgotten = now.plus_seconds(-limits::SIGN_IN_FORGET_SECONDS);
    people::sweep_throttle(&mut tx, forgotten).await?;
    let mut rows = Vec::new();
    for (key, free) in guess.keys() {
        let row = people::throttle(&mut tx, &key).await?;
        if let Some(row) = row.filter(|row| row.blocked_until > now.as_micros()) {
            return Err(StepError::Limit(wait_text(row.blocked_until, now)));
        }
        rows.push((key, next(row, free, now)));
    }
    for (key, row) in rows {
        people::set_throttle(&mut tx, &key, row).await?;
    }
    Ok(tx.commit().await?)
}

/// Forgets the tries on a target that were right in the end; of an address only this one.
pub(crate) async fn succeeded(ctx: &Workflow, guess: &Guess) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    for (place, (key, _)) in guess.keys().into_iter().enumerate() {
        match people::throttle(&mut tx, &key).await? {
            Some(_) if place == 0 => people::clear_throttle(&mut tx, &key).await?,
            Some(row) => {
                let row = ThrottleRow {
                    failure_count: (row.failure_count - 1).max(0),
                    blocked_until: 0,
                    ..row
                };
                people::set_throttle(&mut tx, &key, row).await?;
            }
            None => {}
        }
    }
    Ok(tx.commit().await?)
}

fn next(row: Option<ThrottleRow>, free: i64, now: Timestamp) -> ThrottleRow {
    let count = row.map_or(0, |row| row.failure_count) + 1;
    let over = count - free;
    let wait = if over < 0 {
        0
    } else {
        let doubled = limits::SIGN_IN_WAIT_SECONDS
            .saturating_mul(1_i64.checked_shl(over.min(20) as u32).unwrap_or(i64::MAX));
        doubled.min(limits::SIGN_IN_WAIT_MAX_SECONDS)
    };
    ThrottleRow {
        failure_count: count,
        last_at: now.as_micros(),
        blocked_until: if wait == 0 {
            0
        } else {
            now.plus_seconds(wait).as_micros()
        },
    }
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

    use super::next;

    #[test]
    fn waiting_grows_and_ends_at_an_hour() {
        let now = Timestamp::from_micros(0);
        let mut row = None;
        let mut waits = Vec::new();
        for _ in 0..14 {
            let after = next(row, 5, now);
            waits.push(after.blocked_until / 1_000_000);
            row = Some(after);
        }
        assert_eq!(
            waits,
            [
                0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600
            ]
        );
    }
}
