//! Lambda expressions, and TRY: parts of the statement that become functions of their own.
//!
//! `any_match(resources, r -> r.arn LIKE eventName)` becomes `"any_match#0"("resources", "eventname")`, a function made
//! for this statement whose body is an expression over its parameters and over what it captures from outside.

use datafusion::sql::sqlparser::ast::{Expr, Ident};

use super::compile::Compiler;
use super::error::Error;
use super::scope::{Scope, Value, call, ident};
use super::typing::Type;

/// A lambda's parameter that no statement can name.
pub(crate) const ELEMENT: &str = " element";

/// A lambda expression taken apart: its parameters with their types, and what it says.
type Lambda<'e> = (Vec<(String, Type)>, &'e Expr);

/// What a function with a lambda expression does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// Whether it is true of any element.
    AnyMatch,
    /// Whether it is true of all elements.
    AllMatch,
    /// Whether it is true of no element.
    NoneMatch,
    /// The elements of which it is true.
    Filter,
    /// What becomes of every element.
    Transform,
    /// A state that takes up element after element.
    Reduce,
    /// The expression itself, or NULL where it fails.
    Try,
    /// The expression of the rows of which the first argument is true; NULL of the others, where it is not computed.
    Guarded,
}

impl Use {
    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnyMatch => "any_match",
            Self::AllMatch => "all_match",
            Self::NoneMatch => "none_match",
            Self::Filter => "filter",
            Self::Transform => "transform",
            Self::Reduce => "reduce",
            Self::Try => "try",
            Self::Guarded => "guarded",
        }
    }
}

/// A function made of a part of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What it is called.
    pub name: String,
    /// What is done with it.
    pub used: Use,
    /// Its parameters: first those of the lambda expression, then what it captures.
    pub params: Vec<String>,
    /// How many of the parameters are the lambda expression's own.
    pub own: usize,
    /// The expression, in the engine's SQL.
    pub sql: String,
}

/// A lambda expression that is being compiled.
pub(crate) struct Frame {
    params: Vec<(String, String, Type)>,
    captures: Vec<(String, String)>,
}

impl Frame {
    /// The parameter that holds a value from outside.
    fn capture(&mut self, sql: &str, depth: usize) -> String {
        if let Some((_, name)) = self.captures.iter().find(|(captured, _)| captured == sql) {
            return ident(name);
        }
        let name = format!("c{depth}_{}", self.captures.len());
        self.captures.push((sql.to_owned(), name.clone()));
        ident(&name)
    }
}

impl Compiler<'_> {
    /// A lambda's parameter of that name, seen from here.
    pub(crate) fn parameter(&mut self, name: &Ident) -> Option<Value> {
        let (level, param) = self.frames.iter().enumerate().rev().find_map(|(level, frame)| {
            let param = frame.params.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(&name.value))?;
            Some((level, param.clone()))
        })?;
        let sql = self.lift(ident(&param.1), level + 1);
        Some(Value::new(sql, param.2))
    }

    /// What stands for a value from outside within the lambdas from this level on.
    pub(crate) fn lift(&mut self, sql: String, level: usize) -> String {
        let inner = self.frames.iter_mut().enumerate().skip(level);
        inner.fold(sql, |sql, (depth, frame)| frame.capture(&sql, depth))
    }

    /// Compiles something that is computed outside of all lambdas (an aggregate, a sub-query), and hands it in.
    pub(crate) fn outside(&mut self, work: impl FnOnce(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.frames.is_empty() {
            return work(self);
        }
        let frames = std::mem::take(&mut self.frames);
        let value = work(self);
        self.frames = frames;
        let value = value?;
        Ok(Value::new(self.lift(value.sql, 0), value.kind))
    }

    /// Compiles a body with parameters, and gives the name of its function, what it captured, and what it yields.
    pub(crate) fn body(
        &mut self,
        used: Use,
        params: &[(String, Type)],
        work: impl FnOnce(&mut Self) -> Result<Value, Error>,
    ) -> Result<(String, Vec<String>, Type), Error> {
        let depth = self.frames.len();
        let named = |(i, (name, kind)): (usize, &(String, Type))| (name.clone(), format!("e{depth}_{i}"), kind.clone());
        self.frames.push(Frame { params: params.iter().enumerate().map(named).collect(), captures: Vec::new() });
        let value = self.filtering(false, work);
        let Some(frame) = self.frames.pop() else { return value.map(|value| (value.sql, Vec::new(), value.kind)) };
        let value = value?;
        let (captured, names): (Vec<_>, Vec<_>) = frame.captures.into_iter().unzip();
        let own = frame.params.len();
        let params = frame.params.into_iter().map(|(_, name, _)| name).chain(names).collect();
        let name = self.intern(Body { name: String::new(), used, params, own, sql: value.sql });
        Ok((name, captured, value.kind))
    }

    /// Equal bodies are one function, so that equal expressions stay equal.
    fn intern(&mut self, body: Body) -> String {
        let number = self.bodies.len();
        let known = self.bodies.iter().find(|known| Body { name: String::new(), ..(*known).clone() } == body);
        if let Some(known) = known {
            return known.name.clone();
        }
        let name = format!("{}#{number}", body.used.name());
        self.bodies.push(Body { name: name.clone(), ..body });
        name
    }

    /// A function over a list with a lambda expression.
    pub(crate) fn with_lambda(&mut self, used: Use, list: &Value, lambda: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let element = element_of(list, lambda)?;
        let (params, inner) = lambda_of(lambda, &[element])?;
        let (name, captured, yields) = self.body(used, &params, |compiler| compiler.value(inner, scope))?;
        let kind = match used {
            Use::Filter => list.kind.clone(),
            Use::Transform => yields.list(),
            _ => Type::Boolean,
        };
        Ok(Value::new(call(&name, std::iter::once(list.sql.clone()).chain(captured)), kind))
    }

    /// `reduce(list, start, (state, element) -> …, state -> …)`.
    pub(crate) fn reduce(&mut self, args: &[&Expr], scope: &Scope<'_>) -> Result<Value, Error> {
        let [list, start, step, last] = args else {
            return Err(Error::invalid(super::error::Place::default(), "reduce expects four arguments"));
        };
        let list = self.value(list, scope)?;
        let start = self.value(start, scope)?;
        let element = element_of(&list, step)?;
        let (params, inner) = lambda_of(step, &[start.kind.clone(), element])?;
        let (name, captured, yields) = self.body(Use::Reduce, &params, |compiler| compiler.value(inner, scope))?;
        let folded = call(&name, [list.sql, start.sql].into_iter().chain(captured));
        // The last lambda is applied to a list of one.
        let (params, inner) = lambda_of(last, &[start.kind.or(&yields)])?;
        let (name, captured, kind) = self.body(Use::Transform, &params, |compiler| compiler.value(inner, scope))?;
        let single = call("make_array", [folded]);
        let applied = call(&name, std::iter::once(single).chain(captured));
        Ok(Value::new(call("element_at", [applied, "1".to_owned()]), kind))
    }

    /// TRY(expression).
    pub(crate) fn attempt(&mut self, inner: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let (name, captured, kind) = self.body(Use::Try, &[], |compiler| compiler.value(inner, scope))?;
        Ok(Value::new(call(&name, captured), kind))
    }

    /// A condition that is computed of the rows alone of which `test` is true.
    pub(crate) fn guarded(&mut self, test: String, condition: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let (name, captured, kind) = self.body(Use::Guarded, &[], |compiler| compiler.value(condition, scope))?;
        Ok(Value::new(call(&name, std::iter::once(test).chain(captured)), kind))
    }

    /// Whether a list has an element of which a predicate is true (R6).
    pub(crate) fn quantify(
        &mut self,
        used: Use,
        list: &Value,
        predicate: impl FnOnce(&mut Self, Value) -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        let element = match &list.kind {
            Type::List(element) => element.as_ref().clone(),
            _ => Type::Unknown,
        };
        let params = [(ELEMENT.to_owned(), element)];
        let (name, captured, _) = self.body(used, &params, |compiler| {
            let element = compiler.parameter(&Ident::new(ELEMENT));
            predicate(compiler, element.unwrap_or_else(|| Value::new("NULL", Type::Unknown)))
        })?;
        Ok(Value::new(call(&name, std::iter::once(list.sql.clone()).chain(captured)), Type::Boolean))
    }
}

fn element_of(list: &Value, at: &Expr) -> Result<Type, Error> {
    match &list.kind {
        Type::List(element) => Ok(element.as_ref().clone()),
        Type::Unknown => Ok(Type::Unknown),
        other => Err(Error::invalid(place_of(at), format!("an array is expected, not {}", other.name()))),
    }
}

/// The parameters and the expression of a lambda.
fn lambda_of<'e>(lambda: &'e Expr, kinds: &[Type]) -> Result<Lambda<'e>, Error> {
    let mut written = lambda;
    while let Expr::Nested(inner) = written {
        written = inner;
    }
    let Expr::Lambda(function) = written else {
        let hint = Some("write x -> …".to_owned());
        return Err(Error::invalid(place_of(lambda), "a lambda expression is expected").hint(hint));
    };
    let params: &[Ident] = &function.params;
    if params.len() != kinds.len() {
        let message = format!("the lambda expression has {} parameters, not {}", params.len(), kinds.len());
        return Err(Error::invalid(place_of(lambda), message));
    }
    Ok((params.iter().map(|param| param.value.clone()).zip(kinds.iter().cloned()).collect(), &function.body))
}

/// Where an expression stands.
pub(crate) fn place_of(expr: &Expr) -> super::error::Place {
    use datafusion::sql::sqlparser::ast::Spanned as _;
    expr.span().into()
}
