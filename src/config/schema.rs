//! `gateway.schema.json`, generated from the document's types so that an editor knows what the parser knows.
//!
//! Not here: validation by schema. The parser is the judge; the schema helps people write.

use super::document::Document;

/// The JSON Schema as the text of `gateway.schema.json`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `GATEWAY_SCHEMA=write cargo test schema` brings the file up to date.
    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.schema.json");
        if std::env::var_os("GATEWAY_SCHEMA").is_some_and(|value| value == "write") {
            std::fs::write(path, schema()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == schema(), "gateway.schema.json is stale: run GATEWAY_SCHEMA=write cargo test schema");
    }
}
