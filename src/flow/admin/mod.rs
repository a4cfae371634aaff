//! What operators ask of a running gateway.
//!
//! Not here: what it does for clients and people.

pub mod configure;
pub mod deployment;
pub mod explain;
pub mod log;
pub mod operator;
pub mod people;
pub mod shared_connection;
pub mod status;
pub mod subject;
