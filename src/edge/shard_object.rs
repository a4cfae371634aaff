//! A shard of the sums as a Durable Object: takes the core's steps with its storage.
//!
//! Between two steps of a command nothing but storage is awaited, so the runtime delivers no other event meanwhile; and
//! what one step writes is written at once or not at all, because nothing is awaited between its writes.
//!
//! Not here: which steps (`metrics::shard`, `metrics::tidying`).

use js_sys::Array;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use super::bindings::{ObjectState, Storage, options, settled};
use super::host::{moment, now};
use crate::json;
use crate::metrics::rows::{StorageStep, StoredRow, WAKES, Writes};
use crate::metrics::shard::{Answering, Next};
use crate::metrics::tidying::{Tidied, Tidying};

/// One shard of what is counted.
#[durable_object(alarm)]
pub struct Metrics {
    storage: Storage,
}

impl DurableObject for Metrics {
    fn new(state: State, _env: Env) -> Self {
        Self { storage: storage(state) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let (mut answering, mut step) = Answering::begin(read(&request.text().await?)?);
        loop {
            let found = take(&self.storage, step).await?;
            match answering.next(&found, now()).map_err(|error| unreadable(&error))? {
                Next::Step(next, wanted) => (answering, step) = (next, wanted),
                Next::Done(outcome) => return Response::ok(serde_json::to_string(&outcome)?),
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        let (mut tidying, mut step) = Tidying::begin();
        loop {
            let found = take(&self.storage, step).await?;
            match tidying.next(found, now()).map_err(|error| unreadable(&error))? {
                Tidied::Step(next, wanted) => (tidying, step) = (next, wanted),
                Tidied::Done(again) => {
                    if again {
                        settled(self.storage.set_alarm(moment(WAKES))).await?;
                    }
                    return Response::empty();
                }
            }
        }
    }
}

/// Takes a step; what was found, which after a write is nothing.
async fn take(storage: &Storage, step: StorageStep) -> Result<Vec<StoredRow>> {
    let found = match step {
        StorageStep::Get(keys) => settled(storage.get_several(&texts(keys))).await?,
        StorageStep::List { from, to, limit } => {
            let options = options(&[("start", from.into()), ("end", to.into()), ("limit", limit.into())])?;
            settled(storage.list(&options)).await?
        }
        StorageStep::Write(writes) => {
            write(storage, writes).await?;
            return Ok(Vec::new());
        }
    };
    let mut rows = Vec::new();
    for row in Array::from(&found).iter() {
        let row = Array::from(&row);
        let (key, text) = row.get(0).as_string().zip(row.get(1).as_string()).ok_or("a row that is no text")?;
        rows.push((key, text));
    }
    Ok(rows)
}

async fn write(storage: &Storage, Writes { put, delete, wake }: Writes) -> Result<()> {
    if wake && settled(storage.get_alarm()).await?.is_null() {
        settled(storage.set_alarm(moment(WAKES))).await?;
    }
    let members: Vec<_> = put.iter().map(|(key, text)| (key.as_str(), JsValue::from_str(text))).collect();
    let put = (!members.is_empty()).then(|| storage.put_several(&options(&members)?));
    let delete = (!delete.is_empty()).then(|| storage.delete_several(&texts(delete)));
    for written in [put, delete].into_iter().flatten() {
        settled(written).await?;
    }
    Ok(())
}

fn texts(texts: Vec<String>) -> Array {
    texts.into_iter().map(JsValue::from).collect()
}

pub(super) fn storage(state: State) -> Storage {
    state._inner().unchecked_into::<ObjectState>().storage()
}

/// A command as it was sent.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    json::read(json.as_bytes()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &json::Error) -> Error {
    Error::RustError(error.to_string())
}
