//! A flat table: the functions of CloudTrail Lake's SQL, as users know them.
//!
//! What is not in this table does not exist, whatever the engine may know. A row says how many arguments a function
//! takes, what it yields, and what the engine calls it; `functions/` holds those that are ours.

use crate::sql::{Type, Use};

/// A function as users know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name, in lower case.
    pub(crate) name: &'static str,
    /// What the engine calls it.
    pub(crate) engine: &'static str,
    /// How many arguments it takes, at least and at most.
    pub(crate) args: (usize, usize),
    pub(crate) class: Class,
    yields: Yields,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Of a row's values.
    Scalar,
    /// Of the rows of a group.
    Aggregate,
    /// Of the rows of a window.
    Window,
    /// In a form of its own.
    Special(Special),
}

/// Functions that the compiler writes otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Coalesce,
    ElementAt,
    Greatest,
    If,
    JsonScalar,
    Lambda(Use),
    Least,
    Now,
    NullIf,
    Reduce,
    Today,
    Try,
}

/// What a function yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yields {
    Text,
    Integer,
    Double,
    Boolean,
    Timestamp,
    Date,
    Zoned,
    Map,
    Json,
    Texts,
    Integers,
    /// What its first argument is.
    First,
    /// The element of its first argument.
    Element,
    /// A list of its first argument.
    ListOfFirst,
    /// The elements of the elements.
    Flat,
    /// What all its arguments are.
    Common,
    /// A sum: whole numbers stay whole.
    Number,
    Unknown,
}

impl Function {
    /// The type of what it yields for arguments of these types.
    pub(crate) fn yields(&self, args: &[Type]) -> Type {
        let first = || args.first().cloned().unwrap_or(Type::Unknown);
        let element = |list: Type| match list {
            Type::List(element) => element.as_ref().clone(),
            _ => Type::Unknown,
        };
        match self.yields {
            Yields::Text => Type::Text,
            Yields::Integer => Type::Integer,
            Yields::Double => Type::Double,
            Yields::Boolean => Type::Boolean,
            Yields::Timestamp => Type::Timestamp,
            Yields::Date => Type::Date,
            Yields::Zoned => Type::Zoned,
            Yields::Map => Type::Map,
            Yields::Json => Type::Json,
            Yields::Texts => Type::Text.list(),
            Yields::Integers => Type::Integer.list(),
            Yields::First => first(),
            Yields::ListOfFirst => first().list(),
            Yields::Element | Yields::Flat => element(first()),
            Yields::Common => args.iter().fold(Type::Unknown, Type::or),
            Yields::Number => match first() {
                Type::Integer => Type::Integer,
                Type::Double => Type::Double,
                _ => Type::Unknown,
            },
            Yields::Unknown => Type::Unknown,
        }
    }
}

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

const ANY: usize = usize::MAX;

const fn new(name: &'static str, engine: &'static str, args: (usize, usize), class: Class, yields: Yields) -> Function {
    Function { name, engine, args, class, yields }
}

const fn scalar(name: &'static str, args: (usize, usize), yields: Yields) -> Function {
    new(name, name, args, Class::Scalar, yields)
}

const fn alias(name: &'static str, engine: &'static str, args: (usize, usize), yields: Yields) -> Function {
    new(name, engine, args, Class::Scalar, yields)
}

const fn aggregate(name: &'static str, args: (usize, usize), yields: Yields) -> Function {
    new(name, name, args, Class::Aggregate, yields)
}

const fn window(name: &'static str, args: (usize, usize), yields: Yields) -> Function {
    new(name, name, args, Class::Window, yields)
}

const fn special(name: &'static str, args: (usize, usize), form: Special, yields: Yields) -> Function {
    new(name, name, args, Class::Special(form), yields)
}

const FUNCTIONS: &[Function] = &[
    // Forms of their own.
    special("if", (2, 3), Special::If, Yields::Unknown),
    special("try", (1, 1), Special::Try, Yields::Unknown),
    special("coalesce", (1, ANY), Special::Coalesce, Yields::Common),
    special("nullif", (2, 2), Special::NullIf, Yields::First),
    special("greatest", (1, ANY), Special::Greatest, Yields::Common),
    special("least", (1, ANY), Special::Least, Yields::Common),
    special("now", (0, 0), Special::Now, Yields::Timestamp),
    special("current_timestamp", (0, 1), Special::Now, Yields::Timestamp),
    special("localtimestamp", (0, 1), Special::Now, Yields::Timestamp),
    special("current_date", (0, 0), Special::Today, Yields::Date),
    special("element_at", (2, 2), Special::ElementAt, Yields::Element),
    special("json_extract_scalar", (2, 2), Special::JsonScalar, Yields::Text),
    special("any_match", (2, 2), Special::Lambda(Use::AnyMatch), Yields::Boolean),
    special("all_match", (2, 2), Special::Lambda(Use::AllMatch), Yields::Boolean),
    special("none_match", (2, 2), Special::Lambda(Use::NoneMatch), Yields::Boolean),
    special("filter", (2, 2), Special::Lambda(Use::Filter), Yields::First),
    special("transform", (2, 2), Special::Lambda(Use::Transform), Yields::Unknown),
    special("reduce", (4, 4), Special::Reduce, Yields::Unknown),
    // Maps and arrays.
    scalar("cardinality", (1, 1), Yields::Integer),
    scalar("map", (0, 2), Yields::Map),
    scalar("map_keys", (1, 1), Yields::Texts),
    scalar("map_values", (1, 1), Yields::Texts),
    scalar("map_entries", (1, 1), Yields::Unknown),
    scalar("map_concat", (1, ANY), Yields::Map),
    scalar("contains", (2, 2), Yields::Boolean),
    scalar("array_distinct", (1, 1), Yields::First),
    scalar("array_max", (1, 1), Yields::Element),
    scalar("array_min", (1, 1), Yields::Element),
    scalar("array_join", (2, 3), Yields::Text),
    scalar("array_position", (2, 2), Yields::Integer),
    scalar("array_sort", (1, 1), Yields::First),
    scalar("array_remove", (2, 2), Yields::First),
    scalar("array_union", (2, 2), Yields::First),
    scalar("array_intersect", (2, 2), Yields::First),
    scalar("array_except", (2, 2), Yields::First),
    alias("arrays_overlap", "array_has_any", (2, 2), Yields::Boolean),
    scalar("slice", (3, 3), Yields::First),
    scalar("flatten", (1, 1), Yields::Flat),
    scalar("sequence", (2, 3), Yields::Integers),
    // JSON.
    scalar("json_parse", (1, 1), Yields::Json),
    scalar("json_format", (1, 1), Yields::Text),
    scalar("json_extract", (2, 2), Yields::Json),
    scalar("json_array_contains", (2, 2), Yields::Boolean),
    scalar("json_array_get", (2, 2), Yields::Json),
    scalar("json_array_length", (1, 1), Yields::Integer),
    scalar("json_size", (2, 2), Yields::Integer),
    scalar("is_json_scalar", (1, 1), Yields::Boolean),
    // Time.
    alias("date", "cast_date", (1, 1), Yields::Date),
    scalar("date_add", (3, 3), Yields::Unknown),
    scalar("date_diff", (3, 3), Yields::Integer),
    scalar("date_trunc", (2, 2), Yields::Unknown),
    scalar("date_parse", (2, 2), Yields::Timestamp),
    scalar("date_format", (2, 2), Yields::Text),
    scalar("from_iso8601_timestamp", (1, 1), Yields::Timestamp),
    alias("from_iso8601_date", "cast_date", (1, 1), Yields::Date),
    scalar("to_iso8601", (1, 1), Yields::Text),
    scalar("to_unixtime", (1, 1), Yields::Double),
    scalar("from_unixtime", (1, 1), Yields::Timestamp),
    alias("at_timezone", "at_timezone", (2, 2), Yields::Zoned),
    scalar("last_day_of_month", (1, 1), Yields::Date),
    alias("year", "time_year", (1, 1), Yields::Integer),
    alias("quarter", "time_quarter", (1, 1), Yields::Integer),
    alias("month", "time_month", (1, 1), Yields::Integer),
    alias("week", "time_week", (1, 1), Yields::Integer),
    alias("week_of_year", "time_week", (1, 1), Yields::Integer),
    alias("year_of_week", "time_week_year", (1, 1), Yields::Integer),
    alias("yow", "time_week_year", (1, 1), Yields::Integer),
    alias("day", "time_day", (1, 1), Yields::Integer),
    alias("day_of_month", "time_day", (1, 1), Yields::Integer),
    alias("day_of_week", "time_week_day", (1, 1), Yields::Integer),
    alias("dow", "time_week_day", (1, 1), Yields::Integer),
    alias("day_of_year", "time_year_day", (1, 1), Yields::Integer),
    alias("doy", "time_year_day", (1, 1), Yields::Integer),
    alias("hour", "time_hour", (1, 1), Yields::Integer),
    alias("minute", "time_minute", (1, 1), Yields::Integer),
    alias("second", "time_second", (1, 1), Yields::Integer),
    alias("millisecond", "time_millisecond", (1, 1), Yields::Integer),
    // Text.
    scalar("lower", (1, 1), Yields::Text),
    scalar("upper", (1, 1), Yields::Text),
    scalar("length", (1, 1), Yields::Integer),
    scalar("substr", (2, 3), Yields::Text),
    alias("substring", "substr", (2, 3), Yields::Text),
    scalar("strpos", (2, 3), Yields::Integer),
    alias("position", "strpos", (2, 2), Yields::Integer),
    scalar("split", (2, 3), Yields::Texts),
    scalar("split_part", (3, 3), Yields::Text),
    scalar("concat", (1, ANY), Yields::First),
    scalar("replace", (2, 3), Yields::Text),
    scalar("trim", (1, 2), Yields::Text),
    scalar("ltrim", (1, 2), Yields::Text),
    scalar("rtrim", (1, 2), Yields::Text),
    scalar("lpad", (3, 3), Yields::Text),
    scalar("rpad", (3, 3), Yields::Text),
    scalar("reverse", (1, 1), Yields::First),
    scalar("starts_with", (2, 2), Yields::Boolean),
    scalar("ends_with", (2, 2), Yields::Boolean),
    alias("codepoint", "ascii", (1, 1), Yields::Integer),
    scalar("chr", (1, 1), Yields::Text),
    scalar("translate", (3, 3), Yields::Text),
    alias("levenshtein_distance", "levenshtein", (2, 2), Yields::Integer),
    scalar("regexp_like", (2, 2), Yields::Boolean),
    scalar("regexp_extract", (2, 3), Yields::Text),
    scalar("regexp_extract_all", (2, 3), Yields::Texts),
    scalar("regexp_replace", (2, 3), Yields::Text),
    scalar("regexp_split", (2, 2), Yields::Texts),
    scalar("regexp_count", (2, 2), Yields::Integer),
    scalar("url_extract_host", (1, 1), Yields::Text),
    scalar("url_extract_path", (1, 1), Yields::Text),
    // Numbers.
    scalar("abs", (1, 1), Yields::First),
    scalar("ceil", (1, 1), Yields::First),
    alias("ceiling", "ceil", (1, 1), Yields::First),
    scalar("floor", (1, 1), Yields::First),
    scalar("round", (1, 2), Yields::First),
    scalar("sqrt", (1, 1), Yields::Double),
    scalar("ln", (1, 1), Yields::Double),
    scalar("log10", (1, 1), Yields::Double),
    scalar("log2", (1, 1), Yields::Double),
    scalar("exp", (1, 1), Yields::Double),
    scalar("power", (2, 2), Yields::Double),
    alias("pow", "power", (2, 2), Yields::Double),
    alias("sign", "signum", (1, 1), Yields::Double),
    alias("mod", "modulo", (2, 2), Yields::Integer),
    // Aggregates.
    aggregate("count", (0, 1), Yields::Integer),
    aggregate("count_if", (1, 1), Yields::Integer),
    aggregate("sum", (1, 1), Yields::Number),
    aggregate("min", (1, 1), Yields::First),
    aggregate("max", (1, 1), Yields::First),
    aggregate("avg", (1, 1), Yields::Double),
    aggregate("arbitrary", (1, 1), Yields::First),
    aggregate("any_value", (1, 1), Yields::First),
    aggregate("array_agg", (1, 1), Yields::ListOfFirst),
    aggregate("map_agg", (2, 2), Yields::Map),
    aggregate("histogram", (1, 1), Yields::Map),
    aggregate("listagg", (1, 2), Yields::Text),
    aggregate("max_by", (2, 3), Yields::First),
    aggregate("min_by", (2, 3), Yields::First),
    aggregate("approx_distinct", (1, 2), Yields::Integer),
    aggregate("approx_percentile", (2, 2), Yields::Unknown),
    aggregate("bool_and", (1, 1), Yields::Boolean),
    aggregate("bool_or", (1, 1), Yields::Boolean),
    new("every", "bool_and", (1, 1), Class::Aggregate, Yields::Boolean),
    aggregate("stddev", (1, 1), Yields::Double),
    aggregate("stddev_pop", (1, 1), Yields::Double),
    new("stddev_samp", "stddev", (1, 1), Class::Aggregate, Yields::Double),
    new("variance", "var", (1, 1), Class::Aggregate, Yields::Double),
    aggregate("var_pop", (1, 1), Yields::Double),
    new("var_samp", "var", (1, 1), Class::Aggregate, Yields::Double),
    // Windows.
    window("row_number", (0, 0), Yields::Integer),
    window("rank", (0, 0), Yields::Integer),
    window("dense_rank", (0, 0), Yields::Integer),
    window("percent_rank", (0, 0), Yields::Double),
    window("cume_dist", (0, 0), Yields::Double),
    window("ntile", (1, 1), Yields::Integer),
    window("lag", (1, 3), Yields::First),
    window("lead", (1, 3), Yields::First),
    window("first_value", (1, 1), Yields::First),
    window("last_value", (1, 1), Yields::First),
    window("nth_value", (2, 2), Yields::First),
];
