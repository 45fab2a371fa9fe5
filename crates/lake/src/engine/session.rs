//! What a statement is planned in: its tables, our functions, and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use datafusion::catalog::{
    CatalogProvider as _, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider as _, TableProvider,
};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::config::SpillCompression;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry as _, SessionState, SessionStateBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::prelude::SessionConfig;

use super::{EngineOptions, grouping};
use crate::functions::{lambda, scalar_functions};
use crate::schema;
use crate::sql::{Compiled, Shape};
use cloudtrail::event_data_store::Family;

/// How deep the engine's parser may recurse: the compiler has bounded the nesting already.
const PARSER_RECURSION_MAX: usize = 10_000;

/// What makes more rows than it is given.
const MULTIPLYING: &[&str] =
    &["CrossJoinExec", "HashJoinExec", "NestedLoopJoinExec", "SortMergeJoinExec", "SymmetricHashJoinExec", "UnnestExec"];

/// What every session begins as: the engine's functions and rules, and our functions. Making it takes longer than
/// planning a plain statement, so it is made once.
pub(super) fn base(environment: Arc<RuntimeEnv>, options: &EngineOptions) -> Result<SessionState> {
    let mut state =
        SessionStateBuilder::new_with_default_features().with_config(config(options)).with_runtime_env(environment).build();
    for function in scalar_functions() {
        state.register_udf(Arc::new(function))?;
    }
    Ok(state)
}

/// Opens a session for one statement.
pub(super) fn open(
    base: &SessionState,
    compiled: &Compiled,
    tables: HashMap<String, Arc<dyn TableProvider>>,
) -> Result<Arc<SessionState>> {
    let mut state = base.clone();
    state.register_catalog_list(catalogs(base, tables)?);
    let session: lambda::Session = Arc::new(Mutex::new(Weak::new()));
    for body in &compiled.bodies {
        state.register_udf(Arc::new(lambda::udf(body.clone(), Arc::clone(&session))))?;
    }
    let state = Arc::new(state);
    if let Ok(mut session) = session.lock() {
        *session = Arc::downgrade(&state);
    }
    Ok(state)
}

/// The tables of a statement and no others, where statements look for them.
fn catalogs(base: &SessionState, tables: HashMap<String, Arc<dyn TableProvider>>) -> Result<Arc<dyn CatalogProviderList>> {
    let schema = MemorySchemaProvider::new();
    for (id, provider) in tables {
        schema.register_table(id, provider)?;
    }
    let names = &base.config().options().catalog;
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(&names.default_schema, Arc::new(schema))?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(names.default_catalog.clone(), Arc::new(catalog));
    Ok(Arc::new(catalogs))
}

fn config(options: &EngineOptions) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(options.threads.max(1)).with_information_schema(false);
    let settings = config.options_mut();
    // Fields carry their ids; what is made of them (NOT readOnly) does in one of the two plans only, and nobody reads it.
    settings.execution.skip_physical_aggregate_schema_check = true;
    settings.execution.spill_compression = SpillCompression::Zstd;
    // Scans would skip rows that cannot be among the first, or be the greatest, any more: rows that fit all the same, and
    // are to be counted. The price is that all rows that fit are read in the columns of the order; wide lists are read later.
    settings.optimizer.enable_topk_dynamic_filter_pushdown = false;
    settings.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    settings.sql_parser.recursion_limit = PARSER_RECURSION_MAX;
    "nulls_last".clone_into(&mut settings.sql_parser.default_null_ordering);
    config
}

/// Plans a statement.
pub(super) async fn plan(session: &Arc<SessionState>, sql: &str) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = session.create_logical_plan(sql).await?;
    grouping::by_views(yielding(session.create_physical_plan(&plan).await?)?)
}

/// Lets joins give their thread away now and then. What they make of inputs in memory can take hours without ever coming
/// by a leaf, and DataFusion makes leaves alone cooperative: other statements would wait, and a cancellation too.
fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let wrap = |plan: Arc<dyn ExecutionPlan>| {
        if MULTIPLYING.contains(&plan.name()) {
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(plan)) as Arc<dyn ExecutionPlan>))
        } else {
            Ok(Transformed::no(plan))
        }
    };
    Ok(plan.transform_up(wrap)?.data)
}

/// Tables with the columns of a statement's tables, and no rows.
pub(super) fn empty_tables(compiled: &Compiled) -> HashMap<String, Arc<dyn TableProvider>> {
    let table = |(id, shape): (&String, &Shape)| {
        let columns = match shape {
            Shape::Store(family) => schema::arrow_schema(*family),
            Shape::Athena => schema::arrow_schema(Family::Events),
            Shape::Ocsf => compiled.ocsf.clone().unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty())),
        };
        (id.clone(), Arc::new(EmptyTable::new(columns)) as Arc<dyn TableProvider>)
    };
    compiled.tables.iter().zip(&compiled.shapes).map(table).collect()
}
