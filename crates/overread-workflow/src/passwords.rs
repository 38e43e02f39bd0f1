//! Passwords: the rules of NIST SP 800-63B-4 (in the model) and argon2id.

use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, mpsc};

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use overread_model::person::{PasswordRules, check_password, normalised_password};
use overread_store::StoreError;
use overread_store::shares::{Share, Shares};
use tokio::sync::oneshot;

use crate::{FieldProblem, PasswordCost, StepError, StepResult, limits};

/// Long passwords that stand in every list of leaked ones; shorter ones fail by their length.
const KNOWN: &[&str] = &[
    "passwordpassword",
    "password12345678",
    "passwordpassword1",
    "password123456789",
    "123456789012345",
    "1234567890123456",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfgh",
    "qwertyuiop123456",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx3edc4rfv5tgb",
    "zaq12wsxcde34rfv",
    "q1w2e3r4t5y6u7i8",
    "qazwsxedcrfvtgb",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "iloveyouiloveyou",
    "letmeinletmeinletmein",
    "administrator123",
    "administratoradmin",
    "adminadminadmin",
    "adminadminadminadmin",
    "changemechangeme",
    "welcomewelcome1",
    "welcomewelcome123",
    "trustno1trustno1",
    "monkeymonkeymonkey",
    "dragondragondragon",
    "sunshinesunshine",
    "princessprincess",
    "footballfootball",
    "baseballbaseball",
    "supermansuperman",
    "thisismypassword",
    "mypasswordismypassword",
    "asdfghjklqwertyuiop",
    "abcdefghijklmnop",
    "abcdefghijklmno",
    "1111111111111111",
    "0123456789abcdef",
    "contraseñacontraseña",
    "contrasena123456",
    "radiologyradiology",
    "hospitalhospital",
];

fn is_known(password: &str) -> bool {
    KNOWN.contains(&password)
}

/// Turns to have a hash worked out: whoever waits behind others of the same network stands in nobody else's way.
static TURNS: LazyLock<Shares> = LazyLock::new(|| {
    Shares::new(
        limits::PASSWORD_HASHES_AT_ONCE,
        limits::PASSWORD_HASHES_OF_ONE,
    )
});

/// Waits for such a turn, which is given back once its hash is worked out.
pub(crate) async fn turn(asker: &str) -> StepResult<Share> {
    let turn = TURNS.take(asker, 1, limits::PASSWORD_PATIENCE).await;
    Ok(turn.ok_or(StoreError::NoTurn)?)
}

/// Where a hash is worked out; each thread keeps its own, as an allocator gives such large pieces back late or never.
type Memory = Vec<Block>;

/// Works out argon2id.
fn worked(
    memory: &mut Memory,
    params: &Params,
    password: &str,
    salt: Salt<'_>,
) -> Result<Output, password_hash::Error> {
    let mut bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut bytes)?;
    memory.resize(memory.len().max(params.block_count()), Block::default());
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    Output::init_with(Params::DEFAULT_OUTPUT_LEN, |out| {
        Ok(hasher.hash_password_into_with_memory(password.as_bytes(), salt, out, memory)?)
    })
}

/// Says whether a password is the one of a hash.
fn is_of(memory: &mut Memory, password: &str, hash: &PasswordHash<'_>) -> Option<bool> {
    let params = Params::try_from(hash).ok()?;
    let worked = worked(memory, &params, password, hash.salt?).ok()?;
    // It takes the same time whatever they say.
    Some(hash.algorithm == Algorithm::Argon2id.ident() && hash.hash? == worked)
}

/// Refuses a password that is weak, or typed differently the second time.
pub(crate) fn check_new(password: &str, again: &str, context_words: &[&str]) -> StepResult<()> {
    let rules = PasswordRules {
        is_known,
        context_words,
        beside_second_factor: false,
    };
    let mut problems = Vec::new();
    if let Err(problem) = check_password(password, rules) {
        let mut text = problem.to_string();
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        problems.push(FieldProblem::new("password", format!("{text}.")));
    }
    if normalised_password(password) != normalised_password(again) {
        problems.push(FieldProblem::new(
            "password_again",
            "The two passwords differ.",
        ));
    }
    crate::error::refuse_if_any(problems)
}

/// Returns the argon2id hash of a password or passcode, as PHC text, in a turn of whoever asks.
pub(crate) async fn hash(cost: PasswordCost, asker: &str, password: &str) -> StepResult<String> {
    let password = normalised_password(password);
    let turn = turn(asker).await?;
    off_the_runtime(turn, move |memory| hashed(memory, cost, &password)).await
}

fn hashed(memory: &mut Memory, cost: PasswordCost, password: &str) -> StepResult<String> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(StepError::internal)?;
    let salt = SaltString::generate(&mut OsRng);
    let output = worked(memory, &params, password, salt.as_salt()).map_err(broken)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(broken)?,
        salt: Some(salt.as_salt()),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Says whether the password fits the hash, in the turn that was taken for it; without a hash the same work is done and the
/// answer is no.
pub(crate) async fn fits(
    cost: PasswordCost,
    turn: Share,
    password: &str,
    hash: Option<&str>,
) -> StepResult<bool> {
    if password.chars().count() > limits::PASSWORD_MAX_CHARACTERS {
        return Ok(false);
    }
    let password = normalised_password(password);
    let known = hash.map(str::to_owned);
    off_the_runtime(turn, move |memory| {
        let hash = match &known {
            Some(hash) => hash,
            None => nobody(memory, cost)?,
        };
        let parsed = PasswordHash::new(hash).map_err(broken)?;
        let fits = is_of(memory, &password, &parsed).ok_or_else(|| StepError::internal(Broken))?;
        Ok(fits && known.is_some())
    })
    .await
}

/// Returns a hash that no password fits, so that an unknown name costs as much time as a known one.
fn nobody(memory: &mut Memory, cost: PasswordCost) -> StepResult<&'static str> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    if let Some(text) = NOBODY.get() {
        return Ok(text);
    }
    let text = hashed(memory, cost, crate::secrets::Secret::new()?.reveal())?;
    Ok(NOBODY.get_or_init(|| text))
}

/// Runs the work on one of a few threads of its own, with the memory of that thread: the runtime would spread it over hundreds.
async fn off_the_runtime<T: Send + 'static>(
    turn: Share,
    work: impl FnOnce(&mut Memory) -> StepResult<T> + Send + 'static,
) -> StepResult<T> {
    let (answer_to, answer) = oneshot::channel();
    let task: Task = Box::new(move |memory| {
        // Kept until the work is done, also when nobody waits for it any more.
        let _turn = turn;
        drop(answer_to.send(work(memory)));
    });
    hashing_threads()
        .and_then(|tasks| tasks.send(task).ok())
        .ok_or_else(|| StepError::internal(Broken))?;
    answer.await.map_err(StepError::internal)?
}

type Task = Box<dyn FnOnce(&mut Memory) + Send>;

/// Returns the queue of the threads that hash; `None` when the machine gives no thread.
fn hashing_threads() -> Option<&'static mpsc::Sender<Task>> {
    static TASKS: LazyLock<Option<mpsc::Sender<Task>>> = LazyLock::new(|| {
        let (tasks, queue) = mpsc::channel::<Task>();
        let queue = Arc::new(Mutex::new(queue));
        let started = (0..limits::PASSWORD_HASHES_AT_ONCE).filter(|_| {
            let queue = Arc::clone(&queue);
            let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let run = move || {
                let mut memory = Memory::new();
                while let Ok(task) = next() {
                    task(&mut memory);
                }
            };
            let named = std::thread::Builder::new().name("passwords".to_owned());
            named.spawn(run).is_ok()
        });
        (started.count() > 0).then_some(tasks)
    });
    TASKS.as_ref()
}

/// The hash library's error, without its text.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
struct Broken;

fn broken(_: argon2::password_hash::Error) -> StepError {
    StepError::internal(Broken)
}

#[cfg(test)]
mod tests {
    use super::{check_new, hash, turn};
    use crate::{PasswordCost, StepResult};

    const COST: PasswordCost = PasswordCost::STANDARD;

    async fn fits(asker: &str, password: &str, hash: Option<&str>) -> StepResult<bool> {
        super::fits(COST, turn(asker).await?, password, hash).await
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let text = hash(COST, "a", "una frase larga y propia").await.unwrap();
        assert!(
            text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{text}"
        );
        assert!(
            fits("a", "una frase larga y propia", Some(&text))
                .await
                .unwrap()
        );
        assert!(
            !fits("a", "una frase larga y ajena", Some(&text))
                .await
                .unwrap()
        );
        assert!(!fits("a", "una frase larga y propia", None).await.unwrap());
        assert!(!fits("a", &"x".repeat(10_000), Some(&text)).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_letters_in_another_form_fit() {
        let text = hash(COST, "a", "Señal de la montaña azul").await.unwrap();
        assert!(
            fits("a", "Sen\u{303}al de la montan\u{303}a azul", Some(&text))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_crowd_of_one_network_lets_others_sign_in() {
        let crowd: Vec<_> = (0..60)
            .map(|_| tokio::spawn(fits("the crowd", "una frase larga y propia", None)))
            .collect();
        tokio::task::yield_now().await;
        let real = fits("a person", "una frase larga y propia", None);
        assert!(!real.await.unwrap());
        let left = crowd.iter().filter(|one| !one.is_finished()).count();
        assert!(left > 30, "{left}");
        for one in crowd {
            one.abort();
        }
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "short",
            "passwordpassword",
            "aaaaaaaaaaaaaaaaaaaa",
            "1234567890123456",
        ] {
            assert!(check_new(weak, weak, &[]).is_err(), "{weak}");
        }
        assert!(check_new("a sentence of my own", "a sentence of my own", &[]).is_ok());
        assert!(check_new("a sentence of my own", "another sentence here", &[]).is_err());
    }
}
