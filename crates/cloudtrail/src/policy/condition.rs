//! Conditions: an operator, a key and the values to compare with (IAM user guide, "IAM JSON policy elements:
//! Condition operators").

use std::cmp::Ordering;
use std::net::IpAddr;

use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::document::Json;
use super::pattern::{Pattern, Symbol, Syntax, matches, matches_arn};
use super::{Context, Malformed};

/// `{operator: {key: values}}`.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    operator: Operator,
    key: String,
    values: Vec<Value>,
}

/// An operator with what stands before and after its name.
#[derive(Debug, Clone, Copy)]
struct Operator {
    quantifier: Quantifier,
    test: Test,
    /// `Not`: no value may compare.
    negated: bool,
    /// `…IfExists`: true when the request has no such key.
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    None,
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text { wildcards: bool, fold_case: bool },
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value in the policy, read as its operator needs it.
#[derive(Debug, Clone)]
enum Value {
    Pattern(Pattern),
    Number(f64),
    /// Nanoseconds since 1970.
    Instant(i128),
    Word(String),
    Network {
        address: IpAddr,
        prefix: u8,
    },
}

/// Reads one condition.
pub(super) fn parse(operator: &str, key: &str, values: &Json, variables: bool) -> Result<Condition, Malformed> {
    let operator = Operator::parse(operator)?;
    if key.is_empty() {
        return Err(Malformed::of("Policy has an invalid condition key"));
    }
    let values = values.one_or_many().iter().map(|json| {
        let invalid = || Malformed::of(format!("The condition on {key} has an invalid value"));
        let text = json.scalar().ok_or_else(invalid)?;
        value(operator.test, text, variables)?.ok_or_else(invalid)
    });
    let values = values.collect::<Result<Vec<_>, Malformed>>()?;
    if values.is_empty() {
        return Err(Malformed::of(format!("The condition on {key} has no value")));
    }
    Ok(Condition { operator, key: key.to_owned(), values })
}

impl Operator {
    fn parse(name: &str) -> Result<Self, Malformed> {
        let invalid = || Malformed::of(format!("Invalid Condition type : {name}"));
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::None, name),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return Err(invalid()),
        };
        let (plain, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |plain| (plain, true));
        let (test, negated) = test(plain).ok_or_else(invalid)?;
        if test == Test::Null && (if_exists || quantifier != Quantifier::None) {
            return Err(invalid());
        }
        Ok(Self { quantifier, test, negated, if_exists })
    }
}

fn test(name: &str) -> Option<(Test, bool)> {
    let text = |wildcards, fold_case| Test::Text { wildcards, fold_case };
    Some(match name {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(false, true), false),
        "StringNotEqualsIgnoreCase" => (text(false, true), true),
        "StringLike" => (text(true, false), false),
        "StringNotLike" => (text(true, false), true),
        // AWS: ArnEquals and ArnLike behave alike.
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Bool" => (Test::Bool, false),
        "BinaryEquals" => (Test::Binary, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        "Null" => (Test::Null, false),
        _ => {
            let number = name.strip_prefix("Numeric").map(|rest| (Test::Number as fn(Order) -> Test, rest));
            let (of, rest) = number.or_else(|| Some((Test::Date, name.strip_prefix("Date")?)))?;
            let (order, negated) = order(rest)?;
            (of(order), negated)
        }
    })
}

fn order(name: &str) -> Option<(Order, bool)> {
    Some(match name {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    })
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// `None` when the text cannot be compared by the operator.
fn value(test: Test, text: &str, variables: bool) -> Result<Option<Value>, Malformed> {
    let pattern = |wildcards| Pattern::parse(text, Syntax { wildcards, variables }).map(|p| Some(Value::Pattern(p)));
    match test {
        Test::Text { wildcards, .. } => return pattern(wildcards),
        Test::Arn => return pattern(true),
        _ => {}
    }
    Ok(match test {
        Test::Number(_) => number(text).map(Value::Number),
        Test::Date(_) => instant(text).map(Value::Instant),
        Test::Bool | Test::Null => boolean(text).map(|word| Value::Word(word.to_owned())),
        Test::Address => network(text),
        Test::Binary | Test::Text { .. } | Test::Arn => Some(Value::Word(text.to_owned())),
    })
}

impl Condition {
    /// Whether it is true of a request.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let Operator { quantifier, test, negated, if_exists } = self.operator;
        let given = context.get(&self.key).unwrap_or_default();
        if test == Test::Null {
            return self.hits(if given.is_empty() { "true" } else { "false" }, context);
        }
        let passes = |value: &String| self.hits(value, context) != negated;
        match quantifier {
            Quantifier::All => given.iter().all(passes),
            Quantifier::Any if given.is_empty() => if_exists,
            Quantifier::None if given.is_empty() => if_exists || negated,
            Quantifier::None if negated => given.iter().all(passes),
            Quantifier::Any | Quantifier::None => given.iter().any(passes),
        }
    }

    /// Whether a value of the request compares with one of the policy's.
    fn hits(&self, given: &str, context: &Context) -> bool {
        self.values.iter().any(|value| compares(self.operator.test, given, value, context).unwrap_or(false))
    }
}

/// `None` when they cannot be compared.
fn compares(test: Test, given: &str, value: &Value, context: &Context) -> Option<bool> {
    Some(match (test, value) {
        (Test::Text { fold_case, .. }, Value::Pattern(pattern)) => matches(&pattern.resolve(context)?, given, fold_case),
        (Test::Arn, Value::Pattern(pattern)) => is_arn(&pattern.resolve(context)?, given),
        (Test::Number(order), Value::Number(wanted)) => order.holds(number(given)?.partial_cmp(wanted)?),
        (Test::Date(order), Value::Instant(wanted)) => order.holds(instant(given)?.cmp(wanted)),
        (Test::Bool | Test::Null, Value::Word(wanted)) => boolean(given)? == wanted,
        (Test::Binary, Value::Word(wanted)) => given == wanted,
        (Test::Address, Value::Network { address, prefix }) => contains(*address, *prefix, given.parse().ok()?),
        _ => return None,
    })
}

fn is_arn(pattern: &[Symbol], given: &str) -> bool {
    given.starts_with("arn:") && matches_arn(pattern, given)
}

fn boolean(text: &str) -> Option<&'static str> {
    ["true", "false"].into_iter().find(|word| text.eq_ignore_ascii_case(word))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// An ISO 8601 date, or date and time with its offset, or seconds since 1970.
fn instant(text: &str) -> Option<i128> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(i128::from(seconds) * 1_000_000_000);
    }
    if let Ok(date) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Some(date.midnight().assume_utc().unix_timestamp_nanos());
    }
    OffsetDateTime::parse(text, &Iso8601::DEFAULT).ok().map(OffsetDateTime::unix_timestamp_nanos)
}

fn network(text: &str) -> Option<Value> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let bits = bits(address);
    let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
    (prefix <= bits).then_some(Value::Network { address, prefix })
}

/// An IPv4 address in IPv6 clothes is the IPv4 address.
fn contains(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    let address = address.to_canonical();
    let width = bits(network);
    let shared = |a: u128, b: u128| (a ^ b).checked_shr(u32::from(width - prefix)).unwrap_or(0) == 0;
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => shared(u128::from(network.to_bits()), u128::from(address.to_bits())),
        (IpAddr::V6(network), IpAddr::V6(address)) => shared(network.to_bits(), address.to_bits()),
        _ => false,
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}
