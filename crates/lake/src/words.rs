//! The words of the language, for whoever completes what is being typed.

use cloudtrail::event_data_store::Family;

use crate::functions::catalog;
use crate::schema::{self, Field, Kind};

/// Keywords that statements are made of.
pub const KEYWORDS: [&str; 46] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COUNT",
    "CROSS JOIN",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FETCH FIRST",
    "FROM",
    "GROUP BY",
    "HAVING",
    "IN",
    "INTERSECT",
    "INTERVAL",
    "IS NOT NULL",
    "IS NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS LAST",
    "ON",
    "OR",
    "ORDER BY",
    "OVER",
    "PARTITION BY",
    "SELECT",
    "THEN",
    "TRUE",
    "UNION",
    "UNNEST",
    "WHEN",
    "WHERE",
];

/// What the functions are called.
pub fn functions() -> impl Iterator<Item = &'static str> {
    catalog::names()
}

/// Columns of CloudTrail events, and the members of those that have some (`userIdentity.sessionContext.…`), spelt as in
/// records.
pub fn columns() -> Vec<String> {
    let mut words = Vec::new();
    for column in schema::columns(Family::Events).iter().filter(|column| column.shown) {
        let name = if column.key.is_empty() { column.name } else { column.key };
        add(name.to_owned(), column.kind, &mut words);
    }
    words
}

fn add(path: String, kind: Kind, words: &mut Vec<String>) {
    let members: &[Field] = match kind {
        Kind::Struct(members) => members,
        Kind::List(element) => match element.kind {
            Kind::Struct(members) => members,
            _ => &[],
        },
        _ => &[],
    };
    for member in members {
        add(format!("{path}.{}", member.key), member.kind, words);
    }
    words.push(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_down_to_the_last_member() {
        let columns = columns();
        for name in ["eventName", "eventjson", "userIdentity", "userIdentity.sessionContext.sessionIssuer.arn", "resources.ARN"] {
            assert!(columns.iter().any(|column| column == name), "{name}");
        }
        assert!(functions().any(|name| name == "element_at"));
    }
}
