//! The Durable Object of a part of the authorization log: rows in `SQLite`, which an alarm deletes in batches when they
//! are old enough.
//!
//! Not here: the statements and what they mean (`authorization_log::sql`).

use std::cell::Cell;

use js_sys::Array;
use wasm_bindgen::JsValue;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::bindings::{Storage, settled};
use super::host::{moment, now};
use super::shard_object::{read, storage};
use crate::authorization_log::sql::{self, Bound, LogReading, Statement};
use crate::authorization_log::{AppendedRow, Command, FoundRow, LogCursor, Outcome};
use crate::time::{Lifetime, Timestamp};

/// Rows that one alarm deletes before it lets others go on.
const BATCH: u64 = 2_000;
/// Between two batches.
const SOON: Lifetime = Lifetime(1);
/// An alarm is not set sooner, nor later: how long entries are kept may change.
const SOONEST: Lifetime = Lifetime::hours(1);
const LATEST: Lifetime = Lifetime::days(1);

/// A part of the authorization log.
#[durable_object(alarm)]
pub struct Log {
    storage: Storage,
    /// Whether the tables are there.
    made: Cell<bool>,
    /// How long rows are kept, as it is written down.
    keep: Cell<Option<Lifetime>>,
}

impl DurableObject for Log {
    fn new(state: State, _env: Env) -> Self {
        Self { storage: storage(state), made: Cell::new(false), keep: Cell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let command: Command = read(&request.text().await?)?;
        self.make()?;
        let outcome = match command {
            Command::Append { rows, keep } => self.append(&rows, keep).await?,
            Command::Read { filter, before, limit, keep } => {
                self.page(&sql::read(&filter, before.as_ref(), milliseconds(now() - keep), limit), limit)?
            }
        };
        Response::ok(serde_json::to_string(&outcome)?)
    }

    async fn alarm(&self) -> Result<Response> {
        self.make()?;
        let kept = self.number(sql::KEPT)?.map_or(Lifetime::days(30), Lifetime);
        let before = milliseconds(now() - kept);
        let bound = [Bound::Number(before), Bound::Number(BATCH)];
        self.rows(sql::DELETE, &bound)?;
        match self.number(sql::OLDEST)? {
            None => drop(settled(self.storage.delete_all()).await?),
            Some(oldest) if oldest < before => drop(settled(self.storage.set_alarm(moment(SOON))).await?),
            Some(oldest) => {
                let left = (Timestamp(oldest / 1000) + kept).remaining(now());
                drop(settled(self.storage.set_alarm(moment(left.clamp(SOONEST, LATEST)))).await?);
            }
        }
        self.made.set(false);
        self.keep.set(None);
        Response::empty()
    }
}

impl Log {
    fn make(&self) -> Result<()> {
        if !self.made.get() {
            for table in sql::TABLES {
                self.rows(table, &[])?;
            }
            self.made.set(true);
        }
        Ok(())
    }

    async fn append(&self, rows: &[AppendedRow], keep: Lifetime) -> Result<Outcome> {
        for row in rows {
            let text = |text: &Option<String>| text.as_deref().map_or(JsValue::NULL, JsValue::from_str);
            let bound = [
                number(row.at),
                row.request_id.as_str().into(),
                row.kind.as_str().into(),
                text(&row.operation),
                text(&row.subject),
                text(&row.client),
                text(&row.server),
                text(&row.reason),
                row.entry.as_str().into(),
            ];
            self.storage.sql().exec(sql::INSERT, &bound.into_iter().collect())?;
        }
        if self.keep.get() != Some(keep) {
            self.rows(sql::KEEP, &[Bound::Number(keep.0)])?;
            // Only where there is none: an alarm that every row put off would never come.
            if settled(self.storage.get_alarm()).await?.is_null() {
                settled(self.storage.set_alarm(moment(LATEST))).await?;
            }
            self.keep.set(Some(keep));
        }
        Ok(Outcome::Appended)
    }

    fn page(&self, reading: &LogReading, limit: u32) -> Result<Outcome> {
        let Statement { text, bound } = &reading.rows;
        let found = self.rows(text, bound)?.into_iter().filter_map(|row| {
            let row = Array::from(&row);
            Some(FoundRow { place: place(&row)?, entry: row.get(2).as_string()? })
        });
        let rows: Vec<_> = found.collect();
        let last = rows.last().filter(|_| u32::try_from(rows.len()).is_ok_and(|found| found >= limit));
        let next = match (last, &reading.looked_at) {
            (Some(last), _) => Some(last.place.clone()),
            (None, Some(Statement { text, bound })) => {
                self.rows(text, bound)?.iter().next().and_then(|row| place(&Array::from(&row)))
            }
            (None, None) => None,
        };
        Ok(Outcome::Found { rows, next })
    }

    fn rows(&self, statement: &str, bound: &[Bound]) -> Result<Array> {
        let bound = bound.iter().map(|bound| match bound {
            Bound::Text(text) => JsValue::from_str(text),
            Bound::Number(value) => number(*value),
        });
        Ok(self.storage.sql().exec(statement, &bound.collect())?.raw()?.to_array()?)
    }

    /// The one number that a statement finds.
    fn number(&self, statement: &str) -> Result<Option<u64>> {
        Ok(self.rows(statement, &[])?.iter().next().and_then(|row| whole(&Array::from(&row).get(0))))
    }
}

fn place(row: &Array) -> Option<LogCursor> {
    Some(LogCursor { at: whole(&row.get(0))?, request_id: row.get(1).as_string()? })
}

fn milliseconds(at: Timestamp) -> u64 {
    at.0.saturating_mul(1000)
}

#[expect(clippy::cast_precision_loss, reason = "no moment is so far away")]
fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and no clock is before 1970")]
fn whole(value: &JsValue) -> Option<u64> {
    value.as_f64().map(|value| value as u64)
}
