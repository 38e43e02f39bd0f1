//! Who is told of work items (PS3.4 CC.2.3). An AE title is a name among those of one actor: nobody can take another's.

use overread_model::access::Actor;
use overread_model::time::Timestamp;

use crate::error::StoreResult;
use crate::{Tx, limits};

/// The worklist as a whole (PS3.4 CC.2.3.1).
const WORKLIST: &str = "1.2.840.10008.5.1.4.34.5";
/// What of the worklist fits a filter.
const FILTERED: &str = "1.2.840.10008.5.1.4.34.5.1";

/// Who listens: an actor, under a name of its own.
#[derive(Debug, Clone, Copy)]
pub struct Subscriber<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// As what.
    pub ae_title: &'a str,
}

/// What somebody listens to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SubscriptionRow {
    /// An item, the worklist, or the filtered worklist.
    pub target_uid: String,
    /// Matching keys, as in a query; empty unless the target is the filtered worklist.
    pub filter: String,
    /// 0: this item is left out of the worklist that is listened to.
    pub is_on: i32,
    /// UTC µs.
    pub subscribed_at: i64,
    /// UTC µs: items that came later are left out.
    pub suspended_at: Option<i64>,
}

impl SubscriptionRow {
    /// Says whether it is to the worklist, filtered or not.
    pub fn is_to_worklist(&self) -> bool {
        self.target_uid == WORKLIST || self.target_uid == FILTERED
    }
}

/// Begins to listen; again begins anew. `false` when there are as many as may be.
///
/// # Errors
/// When the database fails.
pub async fn subscribe(
    tx: &mut Tx,
    who: Subscriber<'_>,
    (target_uid, filter): (&str, &str),
    has_deletion_lock: bool,
    now: Timestamp,
) -> StoreResult<bool> {
    let (count,): (i64,) = on!(&mut *tx, c => sqlx::query_as(
            "select count(*) from work_item_subscription where actor_kind = $1 and actor_id = $2")
        .bind(who.actor.kind()).bind(who.actor.id()).fetch_one(&mut *c).await?);
    if count >= limits::WORK_ITEM_SUBSCRIPTIONS {
        return Ok(false);
    }
    put(
        tx,
        who,
        (target_uid, filter),
        (has_deletion_lock, true),
        now,
    )
    .await?;
    Ok(true)
}

async fn put(
    tx: &mut Tx,
    who: Subscriber<'_>,
    (target_uid, filter): (&str, &str),
    (has_deletion_lock, is_on): (bool, bool),
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into work_item_subscription \
             (actor_kind, actor_id, ae_title, target_uid, filter, deletion_lock, is_on, subscribed_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (actor_kind, actor_id, ae_title, target_uid, filter) \
             do update set deletion_lock = excluded.deletion_lock, is_on = excluded.is_on, \
             subscribed_at = excluded.subscribed_at, suspended_at = null")
        .bind(who.actor.kind()).bind(who.actor.id()).bind(who.ae_title).bind(target_uid).bind(filter)
        .bind(i32::from(has_deletion_lock)).bind(i32::from(is_on)).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Stops to listen: to the worklist ends everything, to an item leaves it out of the worklist that is listened to. Says
/// whether there was something to end.
///
/// # Errors
/// When the database fails.
// PS3.4 table CC.2.3-2.
pub async fn unsubscribe(
    tx: &mut Tx,
    who: Subscriber<'_>,
    target_uid: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let known = subscriptions(tx, who).await?;
    let is_of_target = |row: &SubscriptionRow| row.target_uid == target_uid && row.is_on == 1;
    let covers = |row: &SubscriptionRow| row.is_to_worklist();
    let is_worklist = target_uid == WORKLIST || target_uid == FILTERED;
    if !known
        .iter()
        .any(|row| is_of_target(row) || (!is_worklist && covers(row)))
    {
        return Ok(false);
    }
    on!(&mut *tx, c => sqlx::query(
            "delete from work_item_subscription where actor_kind = $1 and actor_id = $2 and ae_title = $3 \
             and (target_uid = $4 or $4 = $5)")
        .bind(who.actor.kind()).bind(who.actor.id()).bind(who.ae_title).bind(target_uid).bind(WORKLIST)
        .execute(&mut *c).await?.rows_affected());
    if !is_worklist && known.iter().any(covers) {
        put(tx, who, (target_uid, ""), (false, false), now).await?;
    }
    Ok(true)
}

/// Leaves out what comes from now on; says whether the worklist was listened to.
///
/// # Errors
/// When the database fails.
pub async fn suspend(
    tx: &mut Tx,
    who: Subscriber<'_>,
    target_uid: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let changed = on!(tx, c => sqlx::query(
            "update work_item_subscription set suspended_at = coalesce(suspended_at, $1) \
             where actor_kind = $2 and actor_id = $3 and ae_title = $4 and target_uid = $5")
        .bind(now.as_micros()).bind(who.actor.kind()).bind(who.actor.id()).bind(who.ae_title).bind(target_uid)
        .execute(&mut *c).await?.rows_affected());
    Ok(changed > 0)
}

/// Lists what somebody listens to.
///
/// # Errors
/// When the database fails.
pub async fn subscriptions(tx: &mut Tx, who: Subscriber<'_>) -> StoreResult<Vec<SubscriptionRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select target_uid, filter, is_on, subscribed_at, suspended_at from work_item_subscription \
             where actor_kind = $1 and actor_id = $2 and ae_title = $3 order by target_uid, filter")
        .bind(who.actor.kind()).bind(who.actor.id()).bind(who.ae_title).fetch_all(&mut *c).await?))
}

/// Says whether an actor listens to an item under any name.
///
/// # Errors
/// When the database fails.
pub async fn is_listening(tx: &mut Tx, kind: &str, id: &str, uid: &str) -> StoreResult<bool> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as(
            "select s.target_uid from work_item_subscription s where s.actor_kind = $1 and s.actor_id = $2 and s.is_on = 1 \
             and s.target_uid in ($3, $4, $5) and not exists (select 1 from work_item_subscription o \
             where o.actor_kind = s.actor_kind and o.actor_id = s.actor_id and o.ae_title = s.ae_title \
             and o.target_uid = $3 and o.is_on = 0) limit 1")
        .bind(kind).bind(id).bind(uid).bind(WORKLIST).bind(FILTERED).fetch_optional(&mut *c).await?);
    Ok(row.is_some())
}
