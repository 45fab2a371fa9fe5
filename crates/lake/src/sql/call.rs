//! Calls of functions.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, NullTreatment,
    OrderByExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::body::place_of;
use super::compare::timestamp;
use super::compile::Compiler;
use super::error::{Error, Place, did_you_mean};
use super::query::refuse;
use super::scope::{Scope, Value, call};
use super::typing::Type;
use crate::functions::catalog::{self, Class, Function as Known, Special};
use crate::functions::check_constant;

/// A call as it is written.
struct Call<'e> {
    function: &'e Function,
    known: &'static Known,
    args: Vec<&'e Expr>,
    star: bool,
    distinct: bool,
    order: &'e [OrderByExpr],
    nulls: Option<NullTreatment>,
    place: Place,
}

impl Compiler<'_> {
    /// Compiles a call.
    pub(crate) fn function(&mut self, function: &Function, scope: &Scope<'_>) -> Result<Value, Error> {
        let written = read(function)?;
        self.note(&format!("{}()", written.known.name), written.place);
        let outer = function.over.is_some() || written.known.class == Class::Aggregate;
        if outer {
            return self.outside(|compiler| compiler.over_rows(&written, scope));
        }
        let extra = written.distinct || written.star || !written.order.is_empty() || function.filter.is_some();
        if extra || written.nulls.is_some() {
            let message = format!("{} is not an aggregate function", written.known.name);
            return Err(Error::invalid(written.place, message));
        }
        if written.known.class == Class::Window {
            let message = format!("{} needs an OVER clause", written.known.name);
            return Err(Error::invalid(written.place, message));
        }
        self.scalar(written.known, &written.args, scope, written.place)
    }

    /// Calls a function that is not written as a call.
    pub(crate) fn call_named(&mut self, name: &str, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let known = catalog::find(name).ok_or_else(|| unknown(name, place))?;
        self.note(&format!("{name}()"), place);
        check_count(known, args.len(), place)?;
        self.scalar(known, args, scope, place)
    }

    fn scalar(&mut self, known: &'static Known, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        if let Class::Special(special) = known.class {
            return self.special(special, args, scope, place);
        }
        let mut values = Vec::new();
        for arg in args {
            values.push(self.exact(arg, scope)?);
        }
        for (at, value) in values.iter().enumerate() {
            if let Some(text) = value.literal_text() {
                check_constant(known.name, at, text).map_err(|message| Error::invalid(place, message))?;
            }
        }
        let kinds: Vec<Type> = values.iter().map(|value| value.kind.clone()).collect();
        Ok(Value::new(call(known.engine, values.iter().map(|value| &value.sql)), known.yields(&kinds)))
    }

    fn special(&mut self, special: Special, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let list = |compiler: &mut Self| match args.first() {
            Some(list) => compiler.exact(list, scope),
            None => Err(Error::invalid(place, "an array is expected")),
        };
        let lambda = args.get(1).copied();
        match (special, lambda) {
            (Special::Lambda(used), Some(lambda)) => {
                let list = list(self)?;
                self.with_lambda(used, &list, lambda, scope)
            }
            (Special::Lambda(_), None) => Err(Error::invalid(place, "a lambda expression is expected")),
            (Special::Reduce, _) => self.reduce(args, scope),
            (Special::Try, _) => match args {
                [inner] => self.attempt(inner, scope),
                _ => Err(Error::invalid(place, "try expects one argument")),
            },
            (Special::If, _) => self.if_call(args, scope),
            (Special::Coalesce, _) => self.same_kind("coalesce", args, scope, place),
            (Special::Greatest, _) => self.extreme("greatest", args, scope, place),
            (Special::Least, _) => self.extreme("least", args, scope, place),
            (Special::NullIf, _) => self.same_kind("nullif", args, scope, place),
            (Special::Now, _) => Ok(timestamp(self.now_us)),
            (Special::Today, _) => Ok(Value::new(format!("CAST({} AS DATE)", timestamp(self.now_us).sql), Type::Date)),
            (Special::ElementAt, _) => self.element_at(args, scope, place),
            (Special::JsonScalar, _) => self.json_scalar(args, scope),
        }
    }

    fn if_call(&mut self, args: &[&Expr], scope: &Scope<'_>) -> Result<Value, Error> {
        let mut values = Vec::new();
        for arg in args {
            values.push(self.exact(arg, scope)?);
        }
        let kind = values.iter().skip(1).fold(Type::Unknown, |kind, value| kind.or(&value.kind));
        let sql: Vec<&str> = values.iter().map(|value| value.sql.as_str()).collect();
        let sql = match sql.as_slice() {
            [condition, then, otherwise] => format!("(CASE WHEN {condition} THEN {then} ELSE {otherwise} END)"),
            [condition, then, ..] => format!("(CASE WHEN {condition} THEN {then} END)"),
            _ => return Err(Error::invalid(Place::default(), "if expects two or three arguments")),
        };
        Ok(Value::new(sql, kind))
    }

    /// A function whose arguments are of one type.
    fn same_kind(&mut self, name: &str, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let values = self.same_kinds(name, args, scope, place)?;
        let kind = values.iter().fold(Type::Unknown, |kind, value| kind.or(&value.kind));
        Ok(Value::new(call(name, values.iter().map(|value| &value.sql)), kind))
    }

    fn same_kinds(&mut self, name: &str, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Vec<Value>, Error> {
        let mut values: Vec<Value> = Vec::new();
        for arg in args {
            let value = self.exact(arg, scope)?;
            let value = match values.first() {
                Some(first) => self.alike(first, &value, name, place)?.1,
                None => value,
            };
            values.push(value);
        }
        Ok(values)
    }

    /// GREATEST and LEAST are NULL if one argument is.
    fn extreme(&mut self, name: &str, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let values = self.same_kinds(name, args, scope, place)?;
        let kind = values.iter().fold(Type::Unknown, |kind, value| kind.or(&value.kind));
        let nulls: Vec<String> = values.iter().map(|value| format!("{} IS NULL", value.sql)).collect();
        let found = call(name, values.iter().map(|value| &value.sql));
        Ok(Value::new(format!("(CASE WHEN {} THEN NULL ELSE {found} END)", nulls.join(" OR ")), kind))
    }

    fn element_at(&mut self, args: &[&Expr], scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let [collection, key] = args else { return Err(Error::invalid(place, "element_at expects two arguments")) };
        let (of, at) = (self.exact(collection, scope)?, self.exact(key, scope)?);
        match &of.kind {
            Type::Map => {
                if let Some(shadow) = self.shadow_of_key(collection, &at, scope) {
                    return Ok(shadow);
                }
                let pieces = vec![format!("\"map_get\"({}, ", of.sql), format!(", {})", at.sql)];
                Ok(Value::read(pieces, Type::Text))
            }
            Type::List(element) => Ok(Value::new(call("element_at", [&of.sql, &at.sql]), element.as_ref().clone())),
            Type::Unknown => Ok(Value::new(call("element_at", [of.sql, at.sql]), Type::Unknown)),
            other => Err(Error::invalid(place, format!("element_at expects an array or a map, not {}", other.name()))),
        }
    }

    /// `json_extract_scalar(text, '$.path')`, with room for a needle.
    fn json_scalar(&mut self, args: &[&Expr], scope: &Scope<'_>) -> Result<Value, Error> {
        let [text, path] = args else {
            return Err(Error::invalid(Place::default(), "json_extract_scalar expects two arguments"));
        };
        let place = place_of(path);
        let (text, path) = (self.exact(text, scope)?, self.exact(path, scope)?);
        if let Some(constant) = path.literal_text() {
            check_constant("json_extract_scalar", 1, constant).map_err(|message| Error::invalid(place, message))?;
        }
        let pieces = vec![format!("\"json_extract_scalar\"({}, {}, ", text.sql, path.sql), ")".to_owned()];
        Ok(Value::read(pieces, Type::Text))
    }

    /// A call of an aggregate or window function.
    fn over_rows(&mut self, written: &Call<'_>, scope: &Scope<'_>) -> Result<Value, Error> {
        let over = match &written.function.over {
            None => String::new(),
            Some(WindowType::WindowSpec(spec)) => format!(" OVER ({})", self.window_spec(spec, scope)?),
            Some(WindowType::NamedWindow(name)) => {
                let spec = self.window(name)?;
                format!(" OVER ({})", self.window_spec(&spec, scope)?)
            }
        };
        if !matches!(written.known.class, Class::Aggregate | Class::Window) {
            let message = format!("{} is neither an aggregate nor a window function", written.known.name);
            return Err(Error::invalid(written.place, message));
        }
        let mut values = Vec::new();
        for arg in &written.args {
            values.push(self.exact(arg, scope)?);
        }
        let filter = match &written.function.filter {
            Some(condition) => Some(self.condition(condition, scope)?),
            None => None,
        };
        let order = self.order(written.order, |compiler, expr| compiler.exact(expr, scope))?;
        Ok(aggregate(written, &values, &order, filter.as_deref(), &over))
    }

    fn window_spec(&mut self, spec: &WindowSpec, scope: &Scope<'_>) -> Result<String, Error> {
        let mut parts = Vec::new();
        let base = spec.window_name.as_ref().map(|name| self.window(name)).transpose()?;
        let partition = base.iter().flat_map(|base| &base.partition_by).chain(&spec.partition_by);
        let mut keys = Vec::new();
        for key in partition {
            keys.push(self.exact(key, scope)?.sql);
        }
        if !keys.is_empty() {
            parts.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        let order: Vec<OrderByExpr> = base.iter().flat_map(|base| &base.order_by).chain(&spec.order_by).cloned().collect();
        let order = self.order(&order, |compiler, expr| compiler.exact(expr, scope))?;
        parts.extend((!order.is_empty()).then(|| order.trim_start().to_owned()));
        let frame = spec.window_frame.as_ref().or_else(|| base.as_ref()?.window_frame.as_ref());
        if let Some(frame) = frame {
            parts.push(self.window_frame(frame, scope)?);
        }
        Ok(parts.join(" "))
    }

    fn window_frame(&mut self, frame: &WindowFrame, scope: &Scope<'_>) -> Result<String, Error> {
        let units = match frame.units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => "GROUPS",
        };
        let start = self.frame_bound(&frame.start_bound, scope)?;
        Ok(match &frame.end_bound {
            Some(end) => format!("{units} BETWEEN {start} AND {}", self.frame_bound(end, scope)?),
            None => format!("{units} {start}"),
        })
    }

    fn frame_bound(&mut self, bound: &WindowFrameBound, scope: &Scope<'_>) -> Result<String, Error> {
        Ok(match bound {
            WindowFrameBound::CurrentRow => "CURRENT ROW".to_owned(),
            WindowFrameBound::Preceding(None) => "UNBOUNDED PRECEDING".to_owned(),
            WindowFrameBound::Following(None) => "UNBOUNDED FOLLOWING".to_owned(),
            WindowFrameBound::Preceding(Some(distance)) => format!("{} PRECEDING", self.exact(distance, scope)?.sql),
            WindowFrameBound::Following(Some(distance)) => format!("{} FOLLOWING", self.exact(distance, scope)?.sql),
        })
    }
}

/// The engine's SQL for a call of an aggregate or window function.
fn aggregate(written: &Call<'_>, values: &[Value], order: &str, filter: Option<&str>, over: &str) -> Value {
    let kinds: Vec<Type> = values.iter().map(|value| value.kind.clone()).collect();
    let sql: Vec<&str> = values.iter().map(|value| value.sql.as_str()).collect();
    let kind = written.known.yields(&kinds);
    let distinct = if written.distinct { "DISTINCT " } else { "" };
    // The engine's aggregates take rows whose filter is unknown, too.
    let when = |condition: Option<String>| match (condition, filter) {
        (Some(one), Some(other)) => format!(" FILTER (WHERE ({one} AND {other}) IS TRUE)"),
        (Some(one), None) => format!(" FILTER (WHERE ({one}) IS TRUE)"),
        (None, Some(other)) => format!(" FILTER (WHERE ({other}) IS TRUE)"),
        (None, None) => String::new(),
    };
    let best = |x: &str, y: &str, direction: &str| {
        let found = when(Some(format!("{y} IS NOT NULL")));
        format!("\"first_value\"({x} ORDER BY {y} {direction} NULLS LAST){found}{over}")
    };
    let several = |x: &str, y: &str, n: &str, direction: &str| {
        let found = when(Some(format!("{y} IS NOT NULL")));
        format!("\"slice\"(\"array_agg\"({x} ORDER BY {y} {direction} NULLS LAST){found}{over}, 1, {n})")
    };
    let nulls = match written.nulls {
        Some(NullTreatment::IgnoreNulls) => " IGNORE NULLS",
        _ => "",
    };
    let sql = match (written.known.name, sql.as_slice()) {
        ("count", []) => format!("count(*){}{over}", when(None)),
        ("count_if", [x]) => format!("count(*){}{over}", when(Some((*x).to_owned()))),
        ("arbitrary" | "any_value", [x]) => {
            format!("\"first_value\"({x}){}{over}", when(Some(format!("{x} IS NOT NULL"))))
        }
        ("max_by", [x, y]) => best(x, y, "DESC"),
        ("min_by", [x, y]) => best(x, y, "ASC"),
        ("max_by", [x, y, n]) => several(x, y, n, "DESC"),
        ("min_by", [x, y, n]) => several(x, y, n, "ASC"),
        ("approx_distinct", [x, ..]) => format!("count(DISTINCT {x}){}{over}", when(None)),
        ("map_agg", [k, v]) => {
            let entries = call("named_struct", ["'key'", k, "'value'", v]);
            let found = when(Some(format!("{k} IS NOT NULL")));
            format!("\"map_of\"(\"array_agg\"({entries}){found}{over})")
        }
        ("histogram", [x]) => {
            let found = when(Some(format!("{x} IS NOT NULL")));
            format!("\"histogram_of\"(\"array_agg\"({x}){found}{over})")
        }
        ("approx_percentile", [x, p]) => {
            let found = when(Some(format!("{x} IS NOT NULL")));
            format!("\"percentile_of\"(\"array_agg\"({x} ORDER BY {x} ASC NULLS LAST){found}{over}, {p})")
        }
        ("listagg", [x, separator]) => {
            format!(
                "\"array_join\"(\"array_agg\"({distinct}{x}{order}){}{over}, {separator})",
                when(Some(format!("{x} IS NOT NULL")))
            )
        }
        ("listagg", [x]) => {
            format!("\"array_join\"(\"array_agg\"({distinct}{x}{order}){}{over}, '')", when(Some(format!("{x} IS NOT NULL"))))
        }
        (_, args) => format!("\"{}\"({distinct}{}{order}){}{nulls}{over}", written.known.engine, args.join(", "), when(None)),
    };
    Value::new(sql, kind)
}

/// Takes a call apart and looks its function up.
fn read(function: &Function) -> Result<Call<'_>, Error> {
    let ident = function.name.0.last().and_then(|part| part.as_ident());
    let place = ident.map(|ident| ident.span.into()).unwrap_or_default();
    let name = function.name.to_string().to_ascii_lowercase();
    let known = catalog::find(name.trim_matches('"')).ok_or_else(|| unknown(&name, place))?;
    refuse(!matches!(function.parameters, FunctionArguments::None), place, "a second list of arguments")?;
    let mut written = Call {
        function,
        known,
        args: Vec::new(),
        star: false,
        distinct: false,
        order: &function.within_group,
        nulls: function.null_treatment,
        place,
    };
    match &function.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(_) => return Err(Error::invalid(place, "a sub-query needs parentheses of its own")),
        FunctionArguments::List(list) => {
            written.distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
            for arg in &list.args {
                match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => written.args.push(expr),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if known.name == "count" => written.star = true,
                    _ => return Err(Error::invalid(place, format!("this argument of {} is not supported", known.name))),
                }
            }
            for clause in &list.clauses {
                match clause {
                    FunctionArgumentClause::OrderBy(order) => written.order = order,
                    FunctionArgumentClause::IgnoreOrRespectNulls(nulls) => written.nulls = Some(*nulls),
                    other => return Err(Error::invalid(place, format!("{other} is not supported"))),
                }
            }
        }
    }
    check_count(known, written.args.len(), place)?;
    Ok(written)
}

fn check_count(known: &Known, count: usize, place: Place) -> Result<(), Error> {
    if (known.args.0..=known.args.1).contains(&count) {
        return Ok(());
    }
    let expected = match known.args {
        (min, max) if min == max => min.to_string(),
        (min, usize::MAX) => format!("at least {min}"),
        (min, max) => format!("{min} to {max}"),
    };
    let plural = if known.args == (1, 1) { "" } else { "s" };
    Err(Error::invalid(place, format!("{} expects {expected} argument{plural}, not {count}", known.name)))
}

fn unknown(name: &str, place: Place) -> Error {
    let hint = did_you_mean(name, catalog::names());
    Error::invalid(place, format!("function {name} does not exist")).hint(hint)
}
