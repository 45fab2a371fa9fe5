//! Names and paths (R3–R6): what `userIdentity.sessionContext.sessionIssuer.arn`, `requestParameters.bucketName`,
//! `requestParameters.items.0.name` and `resources.arn` mean.

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Ident, Subscript, Value as SqlValue};

use super::body::{ELEMENT, Use, place_of};
use super::compile::Compiler;
use super::error::{Error, Place, did_you_mean};
use super::scope::{Found, Literal, Relation, Scope, Value, call, quote};
use super::select::output_named;
use super::typing::Type;

/// One step of a path.
enum Step<'e> {
    /// `.name`
    Name(Ident),
    /// `[expression]`
    At(&'e Expr),
}

impl Compiler<'_> {
    /// What a name or a dotted path means.
    pub(crate) fn path(&mut self, parts: &[Ident], scope: &Scope<'_>) -> Result<Value, Error> {
        let (base, rest) = self.base(parts, scope)?;
        self.steps(base, rest.iter().cloned().map(Step::Name).collect())
    }

    /// What a path with brackets means.
    pub(crate) fn access(&mut self, root: &Expr, chain: &[AccessExpr], scope: &Scope<'_>) -> Result<Value, Error> {
        let mut names: Vec<Ident> = match root {
            Expr::Identifier(name) => vec![name.clone()],
            Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => Vec::new(),
        };
        let mut steps = Vec::new();
        for step in chain {
            match step {
                AccessExpr::Dot(Expr::Identifier(name)) if steps.is_empty() && !names.is_empty() => names.push(name.clone()),
                AccessExpr::Dot(Expr::Identifier(name)) => steps.push(Step::Name(name.clone())),
                AccessExpr::Subscript(Subscript::Index { index }) => steps.push(Step::At(index)),
                AccessExpr::Dot(other) => return Err(Error::invalid(place_of(other), "a name is expected after the dot")),
                AccessExpr::Subscript(Subscript::Slice { .. }) => {
                    let hint = Some("use slice(array, start, length)".to_owned());
                    return Err(Error::invalid(place_of(root), "slices in brackets are not supported").hint(hint));
                }
            }
        }
        let base = if names.is_empty() {
            self.value(root, scope)?
        } else {
            let (base, rest) = self.base(&names, scope)?;
            steps.splice(0..0, rest.iter().cloned().map(Step::Name));
            base
        };
        self.steps_in(base, steps, scope)
    }

    /// The column, parameter or alias with which a path begins, and the rest of the path. Where a flat copy of what the
    /// path leads to exists, that is the column.
    fn base<'p>(&mut self, parts: &'p [Ident], scope: &Scope<'_>) -> Result<(Value, &'p [Ident]), Error> {
        if let Some((first, rest)) = parts.split_first()
            && let Some(value) = self.parameter(first)
        {
            return Ok((value, rest));
        }
        let Some(found) = scope.find(parts)? else {
            if let Some((first, rest)) = parts.split_first()
                && let Some(value) = output_named(scope.outputs, first)
            {
                return Ok((value, rest));
            }
            return Err(scope.unknown(parts));
        };
        let rest = &parts[found.taken..];
        if let Some(first) = parts.get(found.taken - 1) {
            self.note(&found.column.sql, first.span);
        }
        if let Some(value) = self.policy(&found, rest) {
            return Ok((value, &[]));
        }
        let mut value = found.column.value();
        if let Some(shadow) = self.shadow(&found, rest) {
            value = Value::new(shadow, Type::Text);
            return Ok((self.carried(value), &[]));
        }
        Ok((self.carried(value), rest))
    }

    /// A value from outside of all lambdas, seen from here.
    fn carried(&mut self, value: Value) -> Value {
        if self.frames.is_empty() {
            return value;
        }
        let time = value.time.clone().map(|time| self.lift(time, 0));
        Value { sql: self.lift(value.sql.clone(), 0), time, pieces: Vec::new(), ..value }
    }

    /// The flat copy of what a path leads to: exact in the case of a map's keys.
    fn shadow(&self, found: &Found<'_>, rest: &[Ident]) -> Option<String> {
        if rest.is_empty() || (self.names.strict && found.column.kind == Type::Map) {
            return None;
        }
        shadow_path(found.relation, &found.column.name, &found.column.kind, rest)
    }

    /// `requestParameters.policy` of a PutBucketPolicy is empty: the document stands under `bucketPolicy`.
    fn policy(&mut self, found: &Found<'_>, rest: &[Ident]) -> Option<Value> {
        let [key] = rest else { return None };
        let fits = key.value == "policy" && found.column.name == "requestparameters" && found.column.kind == Type::Map;
        if !fits || self.names.strict || !self.frames.is_empty() {
            return None;
        }
        let name = found.relation.columns.iter().find(|column| column.name == "eventname")?;
        let map = &found.column.sql;
        let put = format!("{} = 'PutBucketPolicy'", name.sql);
        let read = |key: &str| [format!("\"json_path\"({map}, "), format!(", {})", quote(key))];
        let ([open, written], [_, document]) = (read("policy"), read("bucketPolicy"));
        Some(Value::read(
            vec![
                format!("CASE WHEN {put} THEN \"coalesce\"(\"nullif\"({open}"),
                format!("{written}, ''), {open}"),
                format!("{document}) ELSE {open}"),
                format!("{written} END"),
            ],
            Type::Text,
        ))
    }

    fn steps(&mut self, base: Value, steps: Vec<Step<'_>>) -> Result<Value, Error> {
        self.steps_in(base, steps, &Scope::of(&[], None))
    }

    fn steps_in(&mut self, base: Value, steps: Vec<Step<'_>>, scope: &Scope<'_>) -> Result<Value, Error> {
        let mut value = base;
        let mut steps = steps.into_iter().peekable();
        while let Some(step) = steps.next() {
            value = match step {
                Step::At(index) => self.subscript(value, index, scope)?,
                Step::Name(name) if matches!(value.kind, Type::Map | Type::Json) => {
                    let mut keys = vec![name.value.clone()];
                    while let Some(next) = steps.next_if(|next| json_key(next).is_some()) {
                        keys.extend(json_key(&next));
                    }
                    self.json_path(&value, &keys, name.span.into())?
                }
                Step::Name(name) => self.member(&value, &name)?,
            };
        }
        Ok(value)
    }

    /// A path into JSON text: the value at its end as text.
    fn json_path(&mut self, value: &Value, keys: &[String], place: Place) -> Result<Value, Error> {
        if self.names.strict {
            let first = keys.first().map(String::as_str).unwrap_or_default();
            let hint = format!("use element_at(…, {})", quote(first));
            return Err(Error::invalid(place, format!("a map has no member {first}")).hint(Some(hint)));
        }
        let keys: Vec<String> = keys.iter().map(|key| quote(key)).collect();
        let pieces = vec![format!("\"json_path\"({}, ", value.sql), format!(", {})", keys.join(", "))];
        Ok(Value::read(pieces, Type::Text))
    }

    /// A member of a struct, or of every struct in a list (R6).
    fn member(&mut self, value: &Value, name: &Ident) -> Result<Value, Error> {
        let known = |kind: &Type| kind.member(&name.value).map(|(member, kind)| (member.to_owned(), kind.clone()));
        match &value.kind {
            Type::Struct(members) => {
                let Some((member, kind)) = known(&value.kind) else {
                    let hint = did_you_mean(&name.value, members.iter().map(|(member, _)| member.as_str()));
                    return Err(Error::invalid(name.span, format!("member {} does not exist", name.value)).hint(hint));
                };
                Ok(Value::new(call("get_field", [value.sql.clone(), quote(&member)]), kind))
            }
            Type::List(element) if !self.names.strict => {
                let (mut element, mut sql) = (element.clone(), value.sql.clone());
                while let Type::List(inner) = element.as_ref() {
                    sql = call("flatten", [sql]);
                    element = inner.clone();
                }
                let Some((member, kind)) = known(&element) else {
                    return Err(Error::invalid(name.span, format!("the array's elements have no member {}", name.value)));
                };
                let params = [(ELEMENT.to_owned(), element.as_ref().clone())];
                let (name, captured, _) = self.body(Use::Transform, &params, |compiler| {
                    let element = compiler.parameter(&Ident::new(ELEMENT)).map(|element| element.sql).unwrap_or_default();
                    Ok(Value::new(call("get_field", [element, quote(&member)]), kind.clone()))
                })?;
                let sql = call(&name, std::iter::once(sql).chain(captured));
                Ok(Value { each: true, ..Value::new(sql, kind.list()) })
            }
            Type::Unknown => {
                let sql = call("get_field", [value.sql.clone(), quote(&name.value.to_ascii_lowercase())]);
                Ok(Value::new(sql, Type::Unknown))
            }
            Type::List(_) => {
                let hint = Some("use any_match(array, x -> …) or UNNEST".to_owned());
                Err(Error::invalid(name.span, format!("an array has no member {}", name.value)).hint(hint))
            }
            other => Err(Error::invalid(name.span, format!("{} has no member {}", other.name(), name.value))),
        }
    }

    /// `value[index]`: an element that must be there.
    fn subscript(&mut self, value: Value, index: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let key = self.value(index, scope)?;
        let kind = match &value.kind {
            Type::Map => Type::Text,
            Type::List(element) => element.as_ref().clone(),
            Type::Unknown => Type::Unknown,
            other => return Err(Error::invalid(place_of(index), format!("{} has no elements", other.name()))),
        };
        Ok(Value::new(call("subscript", [value.sql, key.sql]), kind))
    }

    /// `element_at(map, 'key')` as the flat copy of what it leads to, if there is one.
    pub(crate) fn shadow_of_key(&mut self, map: &Expr, key: &Value, scope: &Scope<'_>) -> Option<Value> {
        let Some(Literal::Text(key)) = &key.literal else { return None };
        let parts = match map {
            Expr::Identifier(name) => std::slice::from_ref(name),
            Expr::CompoundIdentifier(parts) => parts.as_slice(),
            _ => return None,
        };
        let first = parts.first()?;
        if self.parameter(first).is_some() {
            return None;
        }
        let found = scope.find(parts).ok().flatten()?;
        let mut rest = parts[found.taken..].to_vec();
        rest.push(Ident::new(key));
        let sql = shadow_path(found.relation, &found.column.name, &found.column.kind, &rest)?;
        Some(self.carried(Value::new(sql, Type::Text)))
    }
}

/// The flat copy of what a path leads to.
fn shadow_path(relation: &Relation, column: &str, kind: &Type, rest: &[Ident]) -> Option<String> {
    let mut path = column.to_owned();
    let mut kind = kind;
    for part in rest {
        path.push('.');
        match kind.member(&part.value) {
            Some((member, inner)) => {
                path.push_str(member);
                kind = inner;
            }
            None if *kind == Type::Map => path.push_str(&part.value),
            None => return None,
        }
    }
    relation.shadow(&path).map(|shadow| shadow.sql.clone())
}

/// The key or index that a step into JSON is, if it is a constant one.
fn json_key(step: &Step<'_>) -> Option<String> {
    match step {
        Step::Name(name) => Some(name.value.clone()),
        Step::At(Expr::Value(value)) => match &value.value {
            SqlValue::Number(number, _) if number.bytes().all(|byte| byte.is_ascii_digit()) => Some(number.clone()),
            _ => None,
        },
        Step::At(_) => None,
    }
}
