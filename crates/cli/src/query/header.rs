//! What the columns of a result are called that has no rows: the server tells names with rows alone.

use cloudtrail::event_data_store::Family;
use lake::sql::{self, ErrorKind, Named, Names, Shape};

/// Tables that one statement may name here.
const TABLES_MAX: usize = 32;

/// The names that the statement gives its columns; nothing if it leaves them to the store with `*`.
pub(super) fn of(statement: &str) -> Vec<String> {
    let plain = statement.to_ascii_lowercase().replace("count(*)", "");
    if plain.contains('*') {
        return Vec::new();
    }
    let mut names = Names::default();
    for _ in 0..TABLES_MAX {
        match sql::compile(statement, &names, 0) {
            Ok(compiled) => return compiled.columns,
            // What a table holds does not matter to what its columns are called.
            Err(sql::Error { kind: ErrorKind::UnknownTable(table), .. }) => names.tables.push(table_of(table)),
            Err(_) => return Vec::new(),
        }
    }
    Vec::new()
}

fn table_of(name: String) -> Named {
    let shape = Shape::Store(Family::Events);
    Named { id: name.clone(), arn: String::new(), name, shape, default: false, active: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_the_statement_names_them() {
        let store = "1234e567-0c7e-4c55-9a53-0d5f4f6f2a11";
        assert_eq!(
            of(&format!("SELECT eventID, userIdentity.arn, count(*), 1 AS One FROM {store}")),
            ["eventID", "arn", "_col2", "One"]
        );
        assert_eq!(
            of("SELECT a.eventName FROM event_data_store a JOIN cloudtrail_logs b ON a.eventID = b.eventID"),
            ["eventName"]
        );
        assert_eq!(of(&format!("SELECT * FROM {store}")), Vec::<String>::new());
        assert_eq!(of("SELECT"), Vec::<String>::new());
    }
}
