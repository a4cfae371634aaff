//! What is written down of a request at its end, and the authorization log: entries go to it behind the reply, and are
//! read from all of its objects at once.
//!
//! Not here: what an entry says (`record`), who may read (`flow::admin::log`).

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;

use super::join;
use crate::authorization_log::{AppendedRow, Command, LogEntry, LogPage, LogQuery, Outcome, Shard, merge};
use crate::config::{LogLevel, LoggedSubjects};
use crate::memory::Memory;
use crate::ports::{Platform, Unavailable};
use crate::record::{End, RequestRecord};
use crate::time::Lifetime;
use crate::vault::{KeyRing, Purpose};

/// How long entries are kept while there is no configuration.
const KEEP: Lifetime = Lifetime::days(30);

/// How logs and counters name whose request it is.
pub fn named_subject(memory: &Memory, record: &RequestRecord) -> Option<String> {
    named_in(memory, record.whose()?)
}

fn named_in(memory: &Memory, whose: String) -> Option<String> {
    let loaded = memory.config.borrow();
    match loaded.as_ref().map(|loaded| loaded.config.logged_subjects).unwrap_or_default() {
        LoggedSubjects::Full => Some(whose),
        // Without keys nobody is named.
        LoggedSubjects::Hashed => memory.keys.get().map(|keys| hashed(keys, &whose)),
    }
}

/// Writes the line of a request, and at `debug` one of each step; its entry waits for the reply to be on its way.
pub fn note<P: Platform>(
    platform: &P,
    memory: &Memory,
    record: &RequestRecord,
    end: &End<'_>,
    subject: Option<String>,
) {
    let loaded = memory.config.borrow();
    let config = loaded.as_ref().map(|loaded| &loaded.config);
    let calls = config.map(|config| config.logged_calls).unwrap_or_default();
    let sponsor = record.whose_sponsor().and_then(|sponsor| named_in(memory, sponsor));
    if let Some(line) = record.line(end, calls, subject.as_deref(), sponsor.as_deref()) {
        platform.record(&line);
    }
    if config.is_some_and(|config| config.log_level == LogLevel::Debug) {
        record.step_lines(end).iter().for_each(|line| platform.record(line));
    }
    let Some(noted) = record.entry(end, subject, sponsor) else { return };
    let stands_for = match &noted.counted_for {
        Some(whose) => memory.unwritten.sample(whose, platform.now()),
        None => Some(1),
    };
    let Some(stands_for) = stands_for else { return };
    let mut entry = noted.entry;
    entry.stands_for = Some(stands_for).filter(|number| *number > 1);
    memory.unwritten.push(entry);
    memory.unsettled.set(true);
}

/// Brings the entries that wait to rest, unless another request is at it: that one takes these too.
pub async fn settle<P: Platform>(platform: &P, memory: &Memory) {
    let Some(began) = memory.unwritten.begin(platform.moment()) else { return };
    while let Some(entries) = memory.unwritten.next(began, platform.moment()) {
        write(platform, memory, &entries).await;
    }
}

/// One that cannot be written is counted, and harms nobody else.
async fn write<P: Platform>(platform: &P, memory: &Memory, entries: &[LogEntry]) {
    let mut shards: BTreeMap<Shard, Vec<AppendedRow>> = BTreeMap::new();
    for entry in entries {
        let row = AppendedRow::of(entry);
        shards.entry(row.shard()).or_default().push(row);
    }
    let keep = memory.config.borrow().as_ref().map_or(KEEP, |loaded| loaded.config.log_keep);
    for (shard, rows) in shards {
        let (count, command) = (rows.len(), Command::Append { rows, keep });
        // Once more where that failed: what is there already is not kept twice.
        let written = match platform.archive(shard, command.clone()).await {
            Ok(outcome) => Ok(outcome),
            Err(Unavailable) => platform.archive(shard, command).await,
        };
        if written.is_err() {
            memory.unwritten.lose(count);
            platform.record(&json!({"event": "log_write_failed", "entries": count}).to_string());
        }
    }
}

/// One page. Whoever a subject was named by when the entry was written, they are found.
pub async fn read<P: Platform>(
    platform: &P,
    keys: &KeyRing,
    keep: Lifetime,
    query: &LogQuery,
) -> Result<LogPage, Unavailable> {
    let mut meant = query.filter.clone();
    // As it is kept: ids of registered clients are longer.
    meant.client = meant.client.as_deref().map(RequestRecord::cut);
    let ask = |shard, filter| {
        platform.archive(shard, Command::Read { filter, before: query.cursor.clone(), limit: query.limit, keep })
    };
    let questions: Vec<_> = match &meant.subject {
        None => Shard::ALL.map(|shard| (shard, Box::new(meant.clone()))).into(),
        Some(subject) => {
            let of = |name: String| {
                let mut filter = Box::new(meant.clone());
                let shard = Shard::of(&name);
                filter.subject = Some(name);
                (shard, filter)
            };
            let subject = RequestRecord::cut(subject);
            let hashed = keys.tags(Purpose::LoggedSubject, subject.as_bytes()).into_iter().map(|tag| named(&tag));
            std::iter::once(subject.clone()).chain(hashed).map(of).collect()
        }
    };
    let mut found = Vec::new();
    let mut questions = questions.into_iter();
    while let Some((shard, filter)) = questions.next() {
        // Two at once.
        let answers = match questions.next() {
            Some((other, same)) => {
                let (one, other) = join(ask(shard, filter), ask(other, same)).await;
                vec![one?, other?]
            }
            None => vec![ask(shard, filter).await?],
        };
        for answer in answers {
            let Outcome::Found { rows, next } = answer else { return Err(Unavailable) };
            found.push((rows, next));
        }
    }
    Ok(merge(found, usize::try_from(query.limit).unwrap_or(usize::MAX)))
}

/// What stands for a subject.
fn hashed(keys: &KeyRing, subject: &str) -> String {
    named(&keys.tag(Purpose::LoggedSubject, subject.as_bytes()))
}

fn named(tag: &[u8]) -> String {
    format!("hashed-{}", Base64UrlUnpadded::encode_string(tag))
}
