use arrow::array::{Int64Array, StringViewArray};
use arrow::compute::concat_batches;
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

/// Statements yield with our step, which must be in their plans, what they yield with the engine's.
async fn same(context: &SessionContext, statements: &[&str], step: &str) {
    for sql in statements {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let ours = by_views(Arc::clone(&plan)).unwrap();
        let shown = displayable(ours.as_ref()).indent(false).to_string();
        assert!(shown.contains(step), "{sql}: {shown}");
        let rows = async |plan: Arc<dyn ExecutionPlan>| {
            let schema = plan.schema();
            concat_batches(&schema, &collect(plan, context.task_ctx()).await.unwrap()).unwrap()
        };
        let (engines, ours) = (rows(plan).await, rows(ours).await);
        // Written only when they differ: there may be many.
        assert!(engines == ours, "{sql}: {} and {} rows\n{}", engines.num_rows(), ours.num_rows(), first_rows(&[engines, ours]));
    }
}

fn first_rows(results: &[RecordBatch]) -> String {
    let first: Vec<_> = results.iter().map(|rows| rows.slice(0, rows.num_rows().min(20))).collect();
    first.iter().map(|rows| pretty_format_batches(std::slice::from_ref(rows)).unwrap().to_string()).collect()
}

const GROUPED: &[&str] = &[
    "SELECT a, count(*), sum(n), min(b) FROM t GROUP BY a ORDER BY a",
    "SELECT a, b, count(n) FILTER (WHERE n % 2 = 0), avg(n) FROM t GROUP BY a, b ORDER BY a, b",
    "SELECT coalesce(b, a), count(*) FROM t WHERE n > 10 GROUP BY coalesce(b, a) ORDER BY 1",
    "SELECT DISTINCT b, a FROM t ORDER BY a, b",
    "SELECT count(DISTINCT a) FROM t",
];

const OF_ALL: &[&str] = &[
    "SELECT count(DISTINCT a), count(DISTINCT b), count(*), sum(n) FROM t",
    "SELECT count(DISTINCT a), approx_distinct(b) FROM t WHERE n > 20",
    "SELECT count(DISTINCT a), count(DISTINCT b) FROM t WHERE n < 0",
];

const OF_MANY: &[&str] = &["SELECT a, b, count(*), max(n) FROM t GROUP BY a, b ORDER BY a, b", "SELECT count(DISTINCT a) FROM t"];

#[tokio::test]
async fn groups_are_those_of_the_engine() {
    same(&context(7_500, 40), GROUPED, "TextGroups").await;
}

#[tokio::test]
async fn more_groups_than_are_kept_are_handed_on() {
    // Some are handed on and found again; with no two rows alike, they are passed on as they are in the end.
    for different in [GROUPS_MAX + GROUPS_MAX / 8, usize::MAX] {
        same(&context(2 * (GROUPS_MAX + PROBE_ROWS / 2), different), OF_MANY, "TextGroups").await;
    }
}

#[tokio::test]
async fn different_texts_are_those_of_the_engine() {
    same(&context(7_500, 700), OF_ALL, "DistinctTexts").await;
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
