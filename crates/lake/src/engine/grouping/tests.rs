use arrow::array::{Int64Array, StringViewArray};
use arrow::datatypes::{Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::{collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

/// Rows in several partitions, with `different` texts in the column `a`, three in `b`, and nulls in both.
fn context(rows: usize, different: usize) -> SessionContext {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Utf8View, true),
        Field::new("b", DataType::Utf8View, true),
        Field::new("n", DataType::Int64, true),
    ]));
    let batch = |rows: std::ops::Range<usize>| {
        let a = rows.clone().map(|row| (row % 11 != 0).then(|| format!("a text of some length {}", row % different)));
        let b = rows.clone().map(|row| [Some("x"), Some("y"), None][row % 3]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(a.collect::<StringViewArray>()),
            Arc::new(b.collect::<StringViewArray>()),
            Arc::new(rows.map(|row| Some(row as i64)).collect::<Int64Array>()),
        ];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let batches: Vec<_> = (0..rows).step_by(1_000).map(|start| batch(start..rows.min(start + 1_000))).collect();
    let halves = batches.chunks(batches.len().div_ceil(2)).map(<[RecordBatch]>::to_vec).collect();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("t", Arc::new(MemTable::try_new(Arc::clone(&schema), halves).unwrap())).unwrap();
    context
}

/// The rows of a statement as the engine finds them, and with our step, which must be in the plan.
async fn both(context: &SessionContext, sql: &str, step: &str) -> (String, String) {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let ours = by_views(Arc::clone(&plan)).unwrap();
    let shown = displayable(ours.as_ref()).indent(false).to_string();
    assert!(shown.contains(step), "{sql}: {shown}");
    let text = async |plan| pretty_format_batches(&collect(plan, context.task_ctx()).await.unwrap()).unwrap().to_string();
    (text(plan).await, text(ours).await)
}

const GROUPED: &[&str] = &[
    "SELECT a, count(*), sum(n), min(b) FROM t GROUP BY a ORDER BY a",
    "SELECT a, b, count(n) FILTER (WHERE n % 2 = 0), avg(n) FROM t GROUP BY a, b ORDER BY a, b",
    "SELECT coalesce(b, a), count(*) FROM t WHERE n > 10 GROUP BY coalesce(b, a) ORDER BY 1",
    "SELECT DISTINCT b, a FROM t ORDER BY a, b",
    "SELECT count(DISTINCT a) FROM t",
];

#[tokio::test]
async fn groups_are_those_of_the_engine() {
    let context = context(7_500, 40);
    for sql in GROUPED {
        let (engine, ours) = both(&context, sql, "TextGroups").await;
        assert_eq!(engine, ours, "{sql}");
    }
}

#[tokio::test]
async fn more_groups_than_are_kept_are_handed_on() {
    // Some are handed on and found again; with no two rows alike, they are passed on as they are in the end.
    for different in [GROUPS_MAX + GROUPS_MAX / 2, usize::MAX] {
        let context = context(2 * (PROBE_ROWS + 2 * GROUPS_MAX), different);
        for sql in ["SELECT a, b, count(*), max(n) FROM t GROUP BY a, b ORDER BY a, b", "SELECT count(DISTINCT a) FROM t"] {
            let (engine, ours) = both(&context, sql, "TextGroups").await;
            assert_eq!(engine, ours, "{sql}");
        }
    }
}

#[tokio::test]
async fn different_texts_are_those_of_the_engine() {
    let context = context(7_500, 700);
    for sql in [
        "SELECT count(DISTINCT a), count(DISTINCT b), count(*), sum(n) FROM t",
        "SELECT count(DISTINCT a), approx_distinct(b) FROM t WHERE n > 20",
        "SELECT count(DISTINCT a), count(DISTINCT b) FROM t WHERE n < 0",
    ] {
        let (engine, ours) = both(&context, sql, "DistinctTexts").await;
        assert_eq!(engine, ours, "{sql}");
    }
}

#[tokio::test]
async fn what_is_not_of_texts_is_left_to_the_engine() {
    let context = context(100, 40);
    for sql in [
        "SELECT n, count(*) FROM t GROUP BY n",
        "SELECT a, n, count(*) FROM t GROUP BY a, n",
        "SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a), (a, b))",
        "SELECT count(*), count(DISTINCT n) FROM t",
    ] {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let ours = displayable(by_views(plan).unwrap().as_ref()).indent(false).to_string();
        assert!(!ours.contains("TextGroups") && !ours.contains("DistinctTexts"), "{sql}: {ours}");
    }
}
