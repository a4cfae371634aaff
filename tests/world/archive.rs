//! The authorization log's objects in memory: what their statements mean, said in Rust.
//!
//! Not here: the statements, which run in a real object end to end.

use std::cell::RefCell;

use mcp_edge_gateway::authorization_log;
use mcp_edge_gateway::authorization_log::{AppendedRow, Command, FoundRow, LogCursor, LogFilter, Outcome, Shard};
use mcp_edge_gateway::ports::{Archive, Clock, Unavailable};
use mcp_edge_gateway::time::Timestamp;

use super::platform::{InMemory, travelled};

/// Every row, and in which part it is.
#[derive(Default)]
pub struct Rows(RefCell<Vec<(Shard, AppendedRow)>>);

impl Rows {
    pub fn all(&self) -> Vec<AppendedRow> {
        self.0.borrow().iter().map(|(_, row)| row.clone()).collect()
    }

    pub fn apply(&self, shard: Shard, command: Command, now: Timestamp) -> Outcome {
        let mut rows = self.0.borrow_mut();
        match command {
            Command::Append { rows: new, .. } => {
                for row in new {
                    if !rows.iter().any(|(_, known)| place(known) == place(&row)) {
                        rows.push((shard, row));
                    }
                }
                Outcome::Appended
            }
            Command::Read { filter, before, limit, keep } => {
                let oldest = (now - keep).0 * 1000;
                let mut found: Vec<_> = rows
                    .iter()
                    .filter(|(of, row)| *of == shard && row.at >= oldest && fits(&filter, row))
                    .map(|(_, row)| FoundRow { place: place(row), entry: row.entry.clone() })
                    .filter(|row| before.as_ref().is_none_or(|before| row.place < *before))
                    .collect();
                found.sort_by(|one, other| other.place.cmp(&one.place));
                found.truncate(limit as usize);
                let next = found.last().filter(|_| found.len() == limit as usize).map(|row| row.place.clone());
                Outcome::Found { rows: found, next }
            }
        }
    }
}

fn place(row: &AppendedRow) -> LogCursor {
    LogCursor { at: row.at, request_id: row.request_id.clone() }
}

fn fits(filter: &LogFilter, row: &AppendedRow) -> bool {
    let same = |asked: &Option<String>, has: Option<&String>| asked.as_ref().is_none_or(|asked| has == Some(asked));
    same(&filter.subject, row.subject.as_ref())
        && same(&filter.client, row.client.as_ref())
        && same(&filter.server, row.server.as_ref())
        && same(&filter.reason, row.reason.as_ref())
        && same(&filter.kind, Some(&row.kind))
        && same(&filter.request_id, Some(&row.request_id))
        && same(&filter.operation, row.operation.as_ref())
        && filter.from.is_none_or(|from| row.at >= from)
        && filter.until.is_none_or(|until| row.at < until)
}

impl Archive for InMemory {
    async fn archive(
        &self,
        shard: authorization_log::Shard,
        command: authorization_log::Command,
    ) -> Result<authorization_log::Outcome, Unavailable> {
        if self.archive_down.get() {
            return Err(Unavailable);
        }
        Ok(travelled(&self.archive.apply(shard, travelled(&command), self.moment())))
    }
}
