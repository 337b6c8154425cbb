//! Functions that Kubernetes adds to CEL and that the library does not have: of quantities, lists, addresses and texts.
//! Source: <https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries>

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use cel::extractors::This;
use cel::objects::Opaque;
use cel::{Context, ExecutionError, Value as Cel};
use regex::Regex;

use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

/// A quantity as a value of CEL.
#[derive(PartialEq, Eq)]
struct Amount(Quantity);

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quantity({} n)", self.0.nano())
    }
}

impl Opaque for Amount {
    fn runtime_type_name(&self) -> &'static str {
        "kubernetes.Quantity"
    }
}

type Answer<T> = Result<T, ExecutionError>;

fn wrong(function: &str, message: &str) -> ExecutionError {
    ExecutionError::FunctionError { function: function.to_owned(), message: message.to_owned() }
}

fn amount(value: &Cel) -> Answer<Quantity> {
    let Cel::Opaque(inner) = value else { return Err(wrong("quantity", "it is no quantity")) };
    inner.downcast_ref::<Amount>().map(|amount| amount.0).ok_or_else(|| wrong("quantity", "it is no quantity"))
}

fn compared(one: &Cel, other: &Cel) -> Answer<Ordering> {
    Ok(amount(one)?.cmp(&amount(other)?))
}

/// Adds the functions. One that the library has by itself already stays as it is.
pub(super) fn add(context: &mut Context<'_, '_>) {
    let added = [
        context.add_function("isQuantity", |text: Arc<String>| Quantity::parse(&text).is_ok()),
        context.add_function("quantity", |text: Arc<String>| -> Answer<Cel> {
            let quantity = Quantity::parse(&text).map_err(|e| wrong("quantity", &e.to_string()))?;
            Ok(Cel::Opaque(Arc::new(Amount(quantity))))
        }),
        context.add_function("isLessThan", |This(one): This<Cel>, other: Cel| Ok(compared(&one, &other)?.is_lt())),
        context.add_function("isGreaterThan", |This(one): This<Cel>, other: Cel| Ok(compared(&one, &other)?.is_gt())),
        context.add_function("compareTo", |This(one): This<Cel>, other: Cel| -> Answer<i64> {
            Ok(compared(&one, &other)? as i64)
        }),
        context.add_function("sign", |This(one): This<Cel>| -> Answer<i64> {
            Ok(amount(&one)?.cmp(&Quantity::ZERO) as i64)
        }),
        context.add_function("isIP", |text: Arc<String>| text.parse::<IpAddr>().is_ok()),
        context.add_function("isCIDR", |text: Arc<String>| names::is_cidr(&text)),
        context.add_function("isSorted", |This(list): This<Arc<Vec<Cel>>>| list.is_sorted()),
        context.add_function("sum", |This(list): This<Arc<Vec<Cel>>>| sum(&list)),
        context.add_function("find", |This(text): This<Arc<String>>, pattern: Arc<String>| -> Answer<Arc<String>> {
            let regex = Regex::new(&pattern).map_err(|e| wrong("find", &e.to_string()))?;
            Ok(Arc::new(regex.find(&text).map_or(String::new(), |found| found.as_str().to_owned())))
        }),
    ];
    debug_assert!(added.iter().all(Result::is_ok), "{added:?}");
}

fn sum(list: &[Cel]) -> Answer<Cel> {
    list.iter().try_fold(Cel::Int(0), |sum, item| match (sum, item) {
        (Cel::Int(sum), Cel::Int(item)) => {
            sum.checked_add(*item).map(Cel::Int).ok_or_else(|| wrong("sum", "it is too large"))
        }
        _ => Err(wrong("sum", "only integers are added up here")),
    })
}
