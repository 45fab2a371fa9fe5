//! Rows of a result, as they come.

/// Rows of texts; a NULL is none.
pub(super) type Page = lake::engine::Page;

/// Names that are told apart: a second `arn` is `arn_2`. Objects and Parquet files have no two columns of one name.
pub(super) fn distinct(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{column}_{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_told_apart() {
        let columns = ["arn", "n", "arn", "arn_2", "arn"].map(str::to_owned);
        assert_eq!(distinct(&columns), ["arn", "n", "arn_2", "arn_2_2", "arn_3"]);
    }
}
