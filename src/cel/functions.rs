//! The functions, called by name with values. What each takes is declared in `data/cel/functions.txt`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::time::{is_time, offset, rfc3339};

use super::evaluate::{Answer, Halt};
use super::network::{self, Cidr};
use super::text;
use super::time::{self, Parts};
use super::value::{Key, Value};
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;
use crate::regexp::{self, Pattern};

/// Most that a list made by a function may hold.
const MOST: i64 = 1_000_000;

/// What a call costs before anything is made, in the units of the budget.
pub(super) fn weight(function: &str, args: &[Value]) -> u64 {
    let each = args.iter().map(Value::weight);
    match function {
        "_==_" | "_!=_" => deep(&args[0], 0).min(args.get(1).map_or(0, |other| deep(other, 0))),
        "distinct" => {
            let count: u64 = each.sum();
            count.saturating_mul(count)
        }
        "contains" | "equivalent" | "intersects" | "matches" | "find" | "findAll" => {
            each.fold(1, |product: u64, weight| product.saturating_mul(weight.max(1)))
        }
        _ => each.sum(),
    }
}

/// How large a value is with all that is in it, as far as that matters.
fn deep(value: &Value, depth: usize) -> u64 {
    let inner = |value: &Value| if depth > 60 { 0 } else { deep(value, depth + 1) };
    match value {
        Value::List(items) => items.iter().map(inner).sum::<u64>().saturating_add(items.len() as u64),
        Value::Map(entries) => entries.values().map(inner).sum::<u64>().saturating_add(entries.len() as u64),
        other => other.weight(),
    }
}

fn overflow() -> Halt {
    Halt::failed("integer overflow")
}

fn none() -> Halt {
    Halt::failed("no such overload")
}

fn int(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn optional(value: Option<Value>) -> Value {
    Value::Optional(value.map(Arc::new))
}

/// Calls a function; of a member function, the receiver is the first value.
pub(super) fn call(function: &str, member: bool, args: &[Value]) -> Answer {
    match args {
        [] => nullary(function),
        [one] => unary(function, member, one),
        [one, other] => binary(function, one, other),
        _ => ternary(function, args),
    }
}

fn nullary(function: &str) -> Answer {
    match function {
        "optional.none" => Ok(Value::Optional(None)),
        _ => match function.strip_prefix("format.") {
            Some(name) => Ok(Value::Format(Arc::from(name))),
            None => Err(unsupported(function)),
        },
    }
}

fn unsupported(function: &str) -> Halt {
    Halt::Unsupported(format!("the function {function}"))
}

#[allow(clippy::too_many_lines)] // one table
fn unary(function: &str, member: bool, of: &Value) -> Answer {
    Ok(match (function, of) {
        ("!_", Value::Bool(is)) => Value::Bool(!is),
        ("-_", Value::Int(number)) => Value::Int(number.checked_neg().ok_or_else(overflow)?),
        ("-_", Value::Double(number)) => Value::Double(-number),
        ("size", Value::Text(text)) => int(text.chars().count()),
        ("size", Value::Bytes(bytes)) => int(bytes.len()),
        ("size", Value::List(items)) => int(items.len()),
        ("size", Value::Map(entries)) => int(entries.len()),
        ("type", of) => Value::Type(Arc::from(of.type_name())),
        ("dyn", of) => of.clone(),
        ("bool" | "bytes" | "double" | "int" | "uint" | "string" | "duration" | "timestamp", of) if !member => {
            return convert(function, of);
        }
        ("lowerAscii", Value::Text(text)) => Value::text(&text.to_ascii_lowercase()),
        ("upperAscii", Value::Text(text)) => Value::text(&text.to_ascii_uppercase()),
        ("trim", Value::Text(text)) => Value::text(text.trim()),
        ("strings.quote", Value::Text(text)) => Value::text(&text::quote(text)),
        ("jsonpatch.escapeKey", Value::Text(text)) => Value::text(&text.replace('~', "~0").replace('/', "~1")),
        ("join", Value::List(_)) => return binary("join", of, &Value::text("")),
        ("isSorted", Value::List(items)) => {
            let pairs = items.windows(2).map(|pair| pair[0].compare(&pair[1]).ok_or_else(none));
            let orders: Vec<Ordering> = pairs.collect::<Result<_, _>>()?;
            Value::Bool(orders.iter().all(|order| order.is_le()))
        }
        ("sum", Value::List(items)) => {
            let mut items = items.iter();
            let Some(first) = items.next() else { return Ok(Value::Int(0)) };
            return items.try_fold(first.clone(), |sum, item| binary("_+_", &sum, item));
        }
        ("max" | "min", Value::List(items)) => {
            let wanted = if function == "max" { Ordering::Greater } else { Ordering::Less };
            let mut items = items.iter();
            let first = items.next().ok_or_else(|| Halt::failed(format!("{function} called on empty list")))?;
            return items.try_fold(first.clone(), |best, item| {
                Ok(if item.compare(&best).ok_or_else(none)? == wanted { item.clone() } else { best })
            });
        }
        ("reverse", Value::List(items)) => Value::list(items.iter().rev().cloned().collect()),
        ("distinct", Value::List(items)) => {
            let mut out: Vec<Value> = Vec::new();
            for item in items.iter() {
                if !out.iter().any(|known| known.equals(item)) {
                    out.push(item.clone());
                }
            }
            Value::list(out)
        }
        ("sort", Value::List(items)) => return sorted(items, items),
        ("flatten", Value::List(_)) => return binary("flatten", of, &Value::Int(1)),
        ("first", Value::List(items)) => optional(items.first().cloned()),
        ("last", Value::List(items)) => optional(items.last().cloned()),
        ("lists.range", Value::Int(count)) => {
            if *count > MOST {
                return Err(Halt::Budget);
            }
            Value::list((0..*count).map(Value::Int).collect())
        }
        ("optional.of", of) => optional(Some(of.clone())),
        ("optional.ofNonZeroValue", of) => optional((!is_zero(of)).then(|| of.clone())),
        ("value", Value::Optional(value)) => {
            let value = value.as_ref().ok_or_else(|| Halt::failed("optional.none() dereference"))?;
            (**value).clone()
        }
        ("hasValue", Value::Optional(value)) => Value::Bool(value.is_some()),
        ("optional.unwrap" | "unwrapOpt", Value::List(items)) => {
            let each = items.iter().filter_map(|item| match item {
                Value::Optional(value) => value.as_ref().map(|value| (**value).clone()),
                other => Some(other.clone()),
            });
            Value::list(each.collect())
        }
        ("quantity", Value::Text(text)) => {
            Value::Quantity(Quantity::parse(text).map_err(|e| Halt::failed(e.to_string()))?)
        }
        ("isQuantity", Value::Text(text)) => Value::Bool(Quantity::parse(text).is_ok()),
        ("sign", Value::Quantity(quantity)) => Value::Int(quantity.cmp(&Quantity::ZERO) as i64),
        #[allow(clippy::cast_precision_loss)] // approximate, it says
        ("asApproximateFloat", Value::Quantity(quantity)) => Value::Double(quantity.nano() as f64 / 1e9),
        ("isInteger", Value::Quantity(quantity)) => Value::Bool(whole(*quantity).is_some()),
        ("asInteger", Value::Quantity(quantity)) => {
            Value::Int(whole(*quantity).ok_or_else(|| Halt::failed("cannot convert value to integer"))?)
        }
        ("url", Value::Text(text)) => {
            let url =
                network::url(text).ok_or_else(|| Halt::failed("URL parse error during conversion from string"))?;
            Value::Url(Arc::new(url))
        }
        ("isURL", Value::Text(text)) => Value::Bool(network::url(text).is_some()),
        ("getScheme", Value::Url(url)) => Value::text(&url.scheme),
        ("getHost", Value::Url(url)) => Value::text(&url.host),
        ("getHostname", Value::Url(url)) => Value::text(url.hostname()),
        ("getPort", Value::Url(url)) => Value::text(url.port()),
        ("getEscapedPath", Value::Url(url)) => Value::text(&url.path),
        ("getQuery", Value::Url(url)) => {
            let mut out: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
            for (name, value) in url.queries() {
                out.entry(Key::text(&name)).or_default().push(Value::text(&value));
            }
            Value::map(out.into_iter().map(|(name, values)| (name, Value::list(values))).collect())
        }
        ("ip", Value::Text(text)) => Value::Ip(network::address(text).ok_or_else(|| no_address(text))?),
        ("ip", Value::Cidr(cidr)) => Value::Ip(cidr.address),
        ("isIP", Value::Text(text)) => Value::Bool(network::address(text).is_some()),
        ("ip.isCanonical", Value::Text(text)) => {
            let address = network::address(text).ok_or_else(|| no_address(text))?;
            Value::Bool(address.to_string() == **text)
        }
        ("family", Value::Ip(address)) => Value::Int(if address.is_ipv4() { 4 } else { 6 }),
        ("isUnspecified", Value::Ip(address)) => Value::Bool(address.is_unspecified()),
        ("isLoopback", Value::Ip(address)) => Value::Bool(address.is_loopback()),
        ("isLinkLocalMulticast", Value::Ip(address)) => Value::Bool(network::is_link_local_multicast(*address)),
        ("isLinkLocalUnicast", Value::Ip(address)) => Value::Bool(network::is_link_local(*address)),
        ("isGlobalUnicast", Value::Ip(address)) => Value::Bool(network::is_global(*address)),
        ("cidr", Value::Text(text)) => Value::Cidr(network::cidr(text).ok_or_else(|| no_network(text))?),
        ("isCIDR", Value::Text(text)) => Value::Bool(network::cidr(text).is_some()),
        ("prefixLength", Value::Cidr(cidr)) => Value::Int(i64::from(cidr.bits)),
        ("masked", Value::Cidr(cidr)) => Value::Cidr(cidr.masked()),
        ("format.named", Value::Text(name)) => {
            let known = FORMATS.contains(&&**name).then(|| Value::Format(Arc::clone(name)));
            optional(known)
        }
        ("semver", Value::Text(_)) => return binary("semver", of, &Value::Bool(false)),
        ("isSemver", Value::Text(_)) => return binary("isSemver", of, &Value::Bool(false)),
        ("major", Value::Semver(version)) => Value::Int(i64::try_from(version.major).map_err(|_| overflow())?),
        ("minor", Value::Semver(version)) => Value::Int(i64::try_from(version.minor).map_err(|_| overflow())?),
        ("patch", Value::Semver(version)) => Value::Int(i64::try_from(version.patch).map_err(|_| overflow())?),
        ("findAll", Value::Text(_)) => return Err(none()),
        (_, Value::Timestamp(nanos)) => return part(function, *nanos, 0),
        ("getHours", Value::Duration(nanos)) => Value::Int(nanos / 3_600_000_000_000),
        ("getMinutes", Value::Duration(nanos)) => Value::Int(nanos / 60_000_000_000),
        ("getSeconds", Value::Duration(nanos)) => Value::Int(nanos / 1_000_000_000),
        ("getMilliseconds", Value::Duration(nanos)) => Value::Int(nanos / 1_000_000 % 1000),
        _ if DECIDED_ELSEWHERE.contains(&function) => return Err(unsupported(function)),
        _ => return Err(none()),
    })
}

/// Functions that ask the cluster.
const DECIDED_ELSEWHERE: [&str; 15] = [
    "path",
    "group",
    "serviceAccount",
    "resource",
    "subresource",
    "namespace",
    "name",
    "check",
    "errored",
    "error",
    "allowed",
    "reason",
    "fieldSelector",
    "labelSelector",
    "requestResource",
];

/// Formats by their names.
const FORMATS: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

fn no_address(text: &str) -> Halt {
    Halt::failed(format!("IP Address \"{text}\" parse error during conversion from string"))
}

fn no_network(text: &str) -> Halt {
    Halt::failed(format!("network address parse error during conversion from string: {text}"))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Double(number) => number.abs() <= 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Duration(nanos) => *nanos == 0,
        Value::Optional(value) => value.is_none(),
        _ => false,
    }
}

/// The integer that a quantity is.
fn whole(quantity: Quantity) -> Option<i64> {
    (quantity.nano() % 1_000_000_000 == 0).then(|| i64::try_from(quantity.nano() / 1_000_000_000).ok()).flatten()
}

fn part(function: &str, nanos: i128, offset: i64) -> Answer {
    let Parts { year, month, day, day_of_year, weekday, hour, minute, second, nanos } = time::parts(nanos, offset);
    Ok(Value::Int(match function {
        "getFullYear" => year,
        "getMonth" => month - 1,
        "getDayOfYear" => day_of_year,
        "getDayOfMonth" => day - 1,
        "getDate" => day,
        "getDayOfWeek" => weekday,
        "getHours" => hour,
        "getMinutes" => minute,
        "getSeconds" => second,
        "getMilliseconds" => nanos / 1_000_000,
        _ => return Err(none()),
    }))
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked, or as CEL does it
fn convert(to: &str, of: &Value) -> Answer {
    let wrong = || Halt::failed(format!("type conversion error from '{}' to '{to}'", of.type_name()));
    Ok(match (to, of) {
        ("bool", Value::Bool(_)) | ("bytes", Value::Bytes(_)) | ("double", Value::Double(_)) => of.clone(),
        ("int", Value::Int(_)) | ("uint", Value::Uint(_)) | ("string", Value::Text(_)) => of.clone(),
        ("duration", Value::Duration(_)) | ("timestamp", Value::Timestamp(_)) => of.clone(),
        ("bool", Value::Text(text)) => Value::Bool(match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => true,
            "false" | "False" | "FALSE" | "f" | "0" => false,
            _ => return Err(wrong()),
        }),
        ("bytes", Value::Text(text)) => Value::Bytes(Arc::from(text.as_bytes())),
        ("double", Value::Int(number)) => Value::Double(*number as f64),
        ("double", Value::Uint(number)) => Value::Double(*number as f64),
        ("double", Value::Text(text)) => Value::Double(text.parse().map_err(|_| wrong())?),
        ("int", Value::Double(number)) => {
            if !number.is_finite() || number.abs() >= 9.223_372_036_854_775e18 {
                return Err(overflow());
            }
            Value::Int(*number as i64)
        }
        ("int", Value::Uint(number)) => Value::Int(i64::try_from(*number).map_err(|_| overflow())?),
        ("int", Value::Text(text)) => Value::Int(text.parse().map_err(|_| wrong())?),
        ("int", Value::Duration(nanos)) => Value::Int(*nanos),
        ("int", Value::Timestamp(nanos)) => {
            Value::Int(i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(|_| overflow())?)
        }
        ("uint", Value::Double(number)) => {
            if !number.is_finite() || *number < 0.0 || *number >= 1.844_674_407_370_955e19 {
                return Err(overflow());
            }
            Value::Uint(*number as u64)
        }
        ("uint", Value::Int(number)) => Value::Uint(u64::try_from(*number).map_err(|_| overflow())?),
        ("uint", Value::Text(text)) => Value::Uint(text.parse().map_err(|_| wrong())?),
        ("duration", Value::Text(text)) => Value::Duration(crate::go::duration(text).ok_or_else(wrong)?),
        ("timestamp", Value::Text(text)) => Value::Timestamp(rfc3339(text).ok_or_else(wrong)?),
        ("timestamp", Value::Int(seconds)) => {
            let nanos = i128::from(*seconds) * 1_000_000_000;
            if !is_time(nanos) {
                return Err(Halt::failed("timestamp overflow"));
            }
            Value::Timestamp(nanos)
        }
        ("string", of) => Value::text(&of.to_text().ok_or_else(wrong)?),
        _ => return Err(wrong()),
    })
}

fn pattern(text: &str) -> Result<regex::Regex, Halt> {
    match regexp::read(text) {
        Pattern::Good(regex) => Ok(regex),
        Pattern::Invalid(why) => Err(Halt::failed(format!("error parsing regexp: {why}"))),
        Pattern::Unknown => Err(Halt::Unsupported(format!("the pattern {text}"))),
    }
}

#[allow(clippy::too_many_lines)] // one table
fn binary(function: &str, one: &Value, other: &Value) -> Answer {
    let compared = |good: fn(Ordering) -> bool| match one.compare(other) {
        Some(order) => Ok(Value::Bool(good(order))),
        None if matches!((one, other), (Value::Double(_), _) | (_, Value::Double(_))) => Ok(Value::Bool(false)),
        None => Err(none()),
    };
    match function {
        "_==_" => return Ok(Value::Bool(one.equals(other))),
        "_!=_" => return Ok(Value::Bool(!one.equals(other))),
        "_<_" => return compared(Ordering::is_lt),
        "_<=_" => return compared(Ordering::is_le),
        "_>_" => return compared(Ordering::is_gt),
        "_>=_" => return compared(Ordering::is_ge),
        "_+_" | "_-_" | "_*_" | "_/_" | "_%_" => return arithmetic(function, one, other),
        _ => {}
    }
    Ok(match (function, one, other) {
        ("_[_]", Value::Optional(None), _) => Value::Optional(None),
        ("_[_]", Value::Optional(Some(inner)), index) => match binary("_[_]", inner, index) {
            Ok(found) => optional(Some(found)),
            Err(Halt::NoSuchKey(_)) => Value::Optional(None),
            Err(halt) => return Err(halt),
        },
        ("_[_]", Value::List(items), index) => {
            let Some(Key::Int(at)) = Key::of(index) else { return Err(Halt::failed("unsupported index type")) };
            let found = usize::try_from(at).ok().and_then(|at| items.get(at)).cloned();
            found.ok_or_else(|| Halt::failed(format!("index out of bounds: {at}")))?
        }
        ("_[_]", Value::Map(entries), index) => {
            let found = Key::of(index).and_then(|key| entries.get(&key).cloned());
            found.ok_or_else(|| Halt::NoSuchKey(index.to_text().unwrap_or_default()))?
        }
        ("@in", item, Value::List(items)) => Value::Bool(items.iter().any(|each| each.equals(item))),
        ("@in", item, Value::Map(entries)) => Value::Bool(Key::of(item).is_some_and(|key| entries.contains_key(&key))),
        ("contains", Value::Text(text), Value::Text(part)) => Value::Bool(text.contains(&**part)),
        ("startsWith", Value::Text(text), Value::Text(part)) => Value::Bool(text.starts_with(&**part)),
        ("endsWith", Value::Text(text), Value::Text(part)) => Value::Bool(text.ends_with(&**part)),
        ("matches", Value::Text(text), Value::Text(regex)) => Value::Bool(pattern(regex)?.is_match(text)),
        ("find", Value::Text(text), Value::Text(regex)) => {
            Value::text(pattern(regex)?.find(text).map_or("", |found| found.as_str()))
        }
        ("findAll", Value::Text(_), Value::Text(_)) => {
            return ternary("findAll", &[one.clone(), other.clone(), Value::Int(-1)]);
        }
        ("charAt", Value::Text(text), Value::Int(at)) => {
            let count = text.chars().count();
            let at = usize::try_from(*at).ok().filter(|at| *at <= count);
            let at = at.ok_or_else(|| Halt::failed("index out of range"))?;
            Value::text(&text.chars().nth(at).map(String::from).unwrap_or_default())
        }
        ("indexOf", Value::Text(text), Value::Text(part)) => Value::Int(text::index_of(text, part, 0, false)?),
        ("lastIndexOf", Value::Text(text), Value::Text(part)) => {
            let end = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            Value::Int(text::index_of(text, part, end, true)?)
        }
        ("indexOf", Value::List(items), item) => {
            items.iter().position(|each| each.equals(item)).map_or(Value::Int(-1), int)
        }
        ("lastIndexOf", Value::List(items), item) => {
            items.iter().rposition(|each| each.equals(item)).map_or(Value::Int(-1), int)
        }
        ("split", Value::Text(text), Value::Text(separator)) => strings(&text::split(text, separator, -1)),
        ("substring", Value::Text(text), Value::Int(from)) => Value::text(&text::substring(text, *from, None)?),
        ("join", Value::List(items), Value::Text(separator)) => {
            let parts = items.iter().map(|item| match item {
                Value::Text(text) => Ok(&**text),
                _ => Err(none()),
            });
            Value::text(&parts.collect::<Result<Vec<_>, _>>()?.join(separator))
        }
        ("format", Value::Text(pattern), Value::List(args)) => Value::text(&text::format(pattern, args)?),
        ("flatten", Value::List(items), Value::Int(depth)) => {
            if *depth < 0 {
                return Err(Halt::failed("level must be non-negative"));
            }
            let mut out = Vec::new();
            flatten(items, *depth, &mut out);
            Value::list(out)
        }
        ("sets.contains", Value::List(all), Value::List(part)) => Value::Bool(has_all(all, part)),
        ("sets.equivalent", Value::List(one), Value::List(other)) => {
            Value::Bool(has_all(one, other) && has_all(other, one))
        }
        ("sets.intersects", Value::List(one), Value::List(other)) => {
            Value::Bool(one.iter().any(|item| other.iter().any(|each| each.equals(item))))
        }
        ("isLessThan" | "isGreaterThan" | "compareTo", Value::Quantity(one), Value::Quantity(other)) => {
            ordered(function, one.cmp(other))
        }
        ("isLessThan" | "isGreaterThan" | "compareTo", Value::Semver(one), Value::Semver(other)) => {
            ordered(function, one.cmp_precedence(other))
        }
        ("add" | "sub", Value::Quantity(quantity), other) => {
            let other = match other {
                Value::Quantity(other) => *other,
                Value::Int(number) => Quantity::from_units(i128::from(*number)),
                _ => return Err(none()),
            };
            Value::Quantity(if function == "add" { quantity.plus(other) } else { quantity.minus(other) })
        }
        ("containsIP", Value::Cidr(cidr), Value::Ip(address)) => Value::Bool(cidr.contains(*address)),
        ("containsIP", Value::Cidr(cidr), Value::Text(text)) => {
            let address: IpAddr = network::address(text).ok_or_else(|| no_address(text))?;
            Value::Bool(cidr.contains(address))
        }
        ("containsCIDR", Value::Cidr(cidr), Value::Cidr(other)) => Value::Bool(cidr.contains_all(*other)),
        ("containsCIDR", Value::Cidr(cidr), Value::Text(text)) => {
            let other: Cidr = network::cidr(text).ok_or_else(|| no_network(text))?;
            Value::Bool(cidr.contains_all(other))
        }
        ("validate", Value::Format(name), Value::Text(text)) => {
            optional(wrong_form(name, text).map(|why| Value::list(vec![Value::text(&why)])))
        }
        ("semver", Value::Text(text), Value::Bool(loose)) => {
            let version =
                semver(text, *loose).ok_or_else(|| Halt::failed(format!("`{text}` is no semantic version")))?;
            Value::Semver(Arc::new(version))
        }
        ("isSemver", Value::Text(text), Value::Bool(loose)) => Value::Bool(semver(text, *loose).is_some()),
        (_, Value::Timestamp(nanos), Value::Text(zone)) => {
            let offset = match &**zone {
                "" | "UTC" | "Etc/UTC" | "GMT" => 0,
                zone => {
                    let signed = if zone.starts_with(['+', '-']) { zone.to_owned() } else { format!("+{zone}") };
                    offset(&signed).ok_or_else(|| Halt::Unsupported(format!("the time zone {zone}")))?
                }
            };
            return part(function, *nanos, offset);
        }
        _ if DECIDED_ELSEWHERE.contains(&function) => return Err(unsupported(function)),
        _ => return Err(none()),
    })
}

fn ordered(function: &str, order: Ordering) -> Value {
    match function {
        "isLessThan" => Value::Bool(order.is_lt()),
        "isGreaterThan" => Value::Bool(order.is_gt()),
        _ => Value::Int(order as i64),
    }
}

fn strings(parts: &[String]) -> Value {
    Value::list(parts.iter().map(|part| Value::text(part)).collect())
}

fn has_all(all: &[Value], part: &[Value]) -> bool {
    part.iter().all(|item| all.iter().any(|each| each.equals(item)))
}

fn flatten(items: &[Value], depth: i64, out: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => flatten(inner, depth - 1, out),
            other => out.push(other.clone()),
        }
    }
}

fn ternary(function: &str, args: &[Value]) -> Answer {
    Ok(match (function, args) {
        ("indexOf" | "lastIndexOf", [Value::Text(text), Value::Text(part), Value::Int(from)]) => {
            Value::Int(text::index_of(text, part, *from, function == "lastIndexOf")?)
        }
        ("replace", [Value::Text(text), Value::Text(from), Value::Text(to)]) => Value::text(&text.replace(&**from, to)),
        ("replace", [Value::Text(text), Value::Text(from), Value::Text(to), Value::Int(limit)]) => {
            match usize::try_from(*limit) {
                Ok(limit) => Value::text(&text.replacen(&**from, to, limit)),
                Err(_) => Value::text(&text.replace(&**from, to)),
            }
        }
        ("split", [Value::Text(text), Value::Text(separator), Value::Int(limit)]) => {
            strings(&text::split(text, separator, *limit))
        }
        ("substring", [Value::Text(text), Value::Int(from), Value::Int(to)]) => {
            Value::text(&text::substring(text, *from, Some(*to))?)
        }
        ("findAll", [Value::Text(text), Value::Text(regex), Value::Int(limit)]) => {
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            let regex = pattern(regex)?;
            Value::list(regex.find_iter(text).take(limit).map(|found| Value::text(found.as_str())).collect())
        }
        ("slice", [Value::List(items), Value::Int(from), Value::Int(to)]) => {
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            let found = range.and_then(|(from, to)| items.get(from..to));
            Value::list(found.ok_or_else(|| Halt::failed(format!("cannot slice({from}, {to})")))?.to_vec())
        }
        _ if DECIDED_ELSEWHERE.contains(&function) => return Err(unsupported(function)),
        _ => return Err(none()),
    })
}

fn arithmetic(function: &str, one: &Value, other: &Value) -> Answer {
    let failed = |what: &str| Halt::failed(what.to_owned());
    Ok(match (one, other) {
        (Value::Int(a), Value::Int(b)) => {
            if *b == 0 && matches!(function, "_/_" | "_%_") {
                return Err(failed(if function == "_/_" { "division by zero" } else { "modulus by zero" }));
            }
            let found = match function {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            Value::Int(found.ok_or_else(overflow)?)
        }
        (Value::Uint(a), Value::Uint(b)) => {
            if *b == 0 && matches!(function, "_/_" | "_%_") {
                return Err(failed(if function == "_/_" { "division by zero" } else { "modulus by zero" }));
            }
            let found = match function {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            Value::Uint(found.ok_or_else(overflow)?)
        }
        (Value::Double(a), Value::Double(b)) => Value::Double(match function {
            "_+_" => a + b,
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return Err(none()),
        }),
        (Value::Text(a), Value::Text(b)) if function == "_+_" => Value::text(&format!("{a}{b}")),
        (Value::Bytes(a), Value::Bytes(b)) if function == "_+_" => Value::Bytes(Arc::from([&**a, &**b].concat())),
        (Value::List(a), Value::List(b)) if function == "_+_" => {
            Value::list(a.iter().chain(b.iter()).cloned().collect())
        }
        (Value::Duration(a), Value::Duration(b)) => match function {
            "_+_" => Value::Duration(a.checked_add(*b).ok_or_else(overflow)?),
            "_-_" => Value::Duration(a.checked_sub(*b).ok_or_else(overflow)?),
            _ => return Err(none()),
        },
        (Value::Timestamp(a), Value::Duration(b)) if function == "_+_" => moment(a + i128::from(*b))?,
        (Value::Duration(a), Value::Timestamp(b)) if function == "_+_" => moment(b + i128::from(*a))?,
        (Value::Timestamp(a), Value::Duration(b)) if function == "_-_" => moment(a - i128::from(*b))?,
        (Value::Timestamp(a), Value::Timestamp(b)) if function == "_-_" => {
            Value::Duration(i64::try_from(a - b).map_err(|_| overflow())?)
        }
        _ => return Err(none()),
    })
}

fn moment(nanos: i128) -> Answer {
    if is_time(nanos) { Ok(Value::Timestamp(nanos)) } else { Err(Halt::failed("timestamp overflow")) }
}

/// A list in the order of its keys.
pub(super) fn sorted(items: &[Value], keys: &[Value]) -> Answer {
    let mut order: Vec<usize> = (0..items.len()).collect();
    if keys.windows(2).any(|pair| pair[0].compare(&pair[1]).is_none()) {
        return Err(Halt::failed("list elements must have the same type"));
    }
    order.sort_by(|a, b| match (keys.get(*a), keys.get(*b)) {
        (Some(a), Some(b)) => a.compare(b).unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    });
    Ok(Value::list(order.into_iter().filter_map(|at| items.get(at).cloned()).collect()))
}

/// A semantic version; a loose one may start with `v`, leave parts out and have zeroes in front.
fn semver(text: &str, loose: bool) -> Option<semver::Version> {
    if !loose {
        return semver::Version::parse(text).ok();
    }
    let text = text.trim().strip_prefix('v').unwrap_or(text.trim());
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 || (parts.len() < 3 && !rest.is_empty()) {
        return None;
    }
    parts.resize(3, "0");
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| {
            let short = part.trim_start_matches('0');
            if short.is_empty() && !part.is_empty() { "0" } else { short }
        })
        .collect();
    semver::Version::parse(&format!("{}{rest}", parts.join("."))).ok()
}

/// What a named format has against a text.
fn wrong_form(name: &str, text: &str) -> Option<String> {
    let bare = text.strip_suffix('-').unwrap_or(text);
    let good = match name {
        "dns1123Label" => names::is_label(text),
        "dns1123LabelPrefix" => names::is_label(bare),
        "dns1123Subdomain" => names::is_subdomain(text),
        "dns1123SubdomainPrefix" => names::is_subdomain(bare),
        "dns1035Label" => names::is_label_1035(text),
        "dns1035LabelPrefix" => names::is_label_1035(bare),
        "qualifiedName" => names::is_qualified(text),
        "labelValue" => names::is_label_value(text),
        "uri" => network::url(text).is_some(),
        "datetime" => check_format("date-time", text),
        other => check_format(other, text),
    };
    (!good).then(|| format!("it is not of the form {name}"))
}

fn check_format(name: &str, text: &str) -> bool {
    crate::kubernetes::format::has_format(name, text)
}
