use super::*;

fn environment() -> Environment {
    let variables = BTreeMap::from([
        ("self".to_owned(), Type::Dyn),
        ("list".to_owned(), Type::list(Type::Text)),
        ("number".to_owned(), Type::Int),
    ]);
    Environment { variables, minor: 35, objects: false }
}

fn value(source: &str) -> Result<Value, Halt> {
    let program = environment().compile(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    let list = Value::list((0..200).map(|n| Value::text(&n.to_string())).collect());
    let itself = Value::json(&crate::value::json!({"a": {"b": [1, 2, 3]}, "text": "x", "n": 200}));
    program
        .evaluate(&BTreeMap::from([("self", itself), ("list", list), ("number", Value::Int(7))]), &mut u64::MAX.clone())
}

#[test]
fn every_declaration_of_a_function_is_read() {
    let text = crate::embedded::text("data/cel/functions.txt").unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let unread: Vec<_> = lines.filter(|line| types::declaration(line).is_none()).collect();
    assert_eq!(unread, Vec::<&str>::new());
}

#[test]
fn expressions_come_to_what_kubernetes_says() {
    for source in [
        "1 + 2 * 3 == 7",
        "-5 % 3 == -2",
        "7 / 2 == 3",
        "1.5 + 1.5 == 3.0",
        "2u + 3u == 5u",
        "1 < 1.5 && 1u < 2",
        "dyn(1) == dyn(1.0)",
        "'a' + 'b' == \"ab\"",
        "r'\\d' == '\\\\d'",
        "'\\u00e9'.size() == 1",
        "b'abc' == bytes('abc')",
        "'''a\nb'''.contains('\\n')",
        "true ? true : false",
        "false && 1 / 0 == 1 ? false : true",
        "true || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "self.a.b[1] == 2",
        "has(self.a) && !has(self.z)",
        "!has(self.a.z)",
        "self.?z.hasValue() == false",
        "self.?a.?b[0].orValue(9) == 1",
        "self.a.?b.optMap(l, l.size()).orValue(0) == 3",
        "optional.none().or(optional.of(1)).value() == 1",
        "[?self.?z, ?self.?text] == ['x']",
        "2 in self.a.b",
        "'a' in {'a': 1}",
        "[1, 2, 3].all(x, x > 0)",
        "[1, 2, 3].exists_one(x, x == 2)",
        "[1, 2, 3].map(x, x * 2) == [2, 4, 6]",
        "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "[1, 2, 3].filter(x, x > 1) == [2, 3]",
        "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
        "{'a': 1}.all(k, v, k == 'a' && v == 1)",
        "[4, 5].exists(i, v, i == 1 && v == 5)",
        "['a', 'b'].transformList(i, v, string(i) + v) == ['0a', '1b']",
        "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10) == {'b': 20}",
        "['a'].transformMapEntry(i, v, {v: i}) == {'a': 0}",
        "[3, 1, 2].sort() == [1, 2, 3]",
        "[{'n': 2}, {'n': 1}].sortBy(e, e.n)[0].n == 1",
        "[1, 1, 2].distinct() == [1, 2] && [1, 2].reverse() == [2, 1]",
        "[[1], [2]].flatten() == [1, 2] && lists.range(3) == [0, 1, 2] && [1, 2, 3].slice(1, 2) == [2]",
        "[1, 2].sum() == 3 && [1, 3].max() == 3 && ['a', 'b'].isSorted() && [1, 2].indexOf(2) == 1",
        "[1, 2].first().value() == 1 && [1, 2].last().value() == 2",
        "sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2])",
        "'hello'.charAt(1) == 'e' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
        "['a', 'b'].join('-') == 'a-b' && ' a '.trim() == 'a' && 'aXa'.replace('a', 'b', 1) == 'bXa'",
        "'hello'.substring(1, 3) == 'el' && 'AbC'.lowerAscii() == 'abc' && 'a'.upperAscii() == 'A'",
        "'%s has %d of %.2f and %s'.format([dyn('a'), 3, 1.5, ['b', 'c']]) == 'a has 3 of 1.50 and [b, c]'",
        "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        "'abc123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2']",
        "'abc'.matches('^a') && matches('abc', 'c$')",
        "duration('1h30m') > duration('89m') && duration('90s').getMinutes() == 1",
        "string(duration('1h')) == '3600s'",
        "timestamp('2024-02-29T12:00:00Z').getDayOfWeek() == 4",
        "timestamp('2024-02-29T12:00:00Z').getFullYear() == 2024 && timestamp('2024-02-29T12:00:00Z').getMonth() == 1",
        "timestamp('2024-02-29T12:00:00Z') - timestamp('2024-02-29T11:00:00Z') == duration('1h')",
        "timestamp('2024-02-29T23:00:00Z').getHours('+02:00') == 1",
        "string(timestamp('2024-02-29T12:00:00.5Z')) == '2024-02-29T12:00:00.5Z'",
        "int('5') == 5 && double('1.5') == 1.5 && string(1.5) == '1.5' && bool('true') && uint(3) == 3u",
        "type(1) == int && type('a') == string && type([1]) == type(['a']) && type({}) == map",
        "quantity('1Gi').isGreaterThan(quantity('1M')) && quantity('1k').asInteger() == 1000",
        "quantity('200m').add(quantity('1')).compareTo(quantity('1.2')) == 0 && quantity('5').sub(2).sign() == 1",
        "isQuantity('1Gi') && !isQuantity('1Gx') && quantity('0.5').asApproximateFloat() == 0.5",
        "url('https://a.b:80/c?d=e&d=f').getHostname() == 'a.b' && url('https://a.b:80/c').getPort() == '80'",
        "url('https://a.b/c%20d?d=e&d=f').getQuery() == {'d': ['e', 'f']} && isURL('/a') && !isURL('a')",
        "ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && !isIP('1.2.3') && ip.isCanonical('::1')",
        "cidr('10.0.0.0/8').containsIP('10.1.1.1') && cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && string(cidr('10.0.0.0/8').ip()) == '10.0.0.0'",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('v1.2', true).minor() == 2 && !isSemver('1.2')",
        "!format.dns1123Label().validate('a-b').hasValue() && format.named('uuid').value().validate('x').hasValue()",
        "number == 7 && list.size() == 200 && list[7] == '7'",
        "[].size() == 0 && {}.size() == 0 && [1, 2] + [3] == [1, 2, 3]",
    ] {
        assert!(matches!(value(source), Ok(Value::Bool(true))), "{source}: {:?}", value(source));
    }
}

#[test]
fn expressions_that_the_api_server_refuses_do_not_compile() {
    for source in [
        "",
        "1 +",
        "a",
        "1 == 'a'",
        "1 == 1.0",
        "[1, 'a']",
        "'a' + 1",
        "number.x",
        "list.nope()",
        "list == null",
        "number && true",
        "list.all(x, x)",
        "number.all(x, true)",
        "list.all(1, true)",
        "has(list)",
        "if",
        "self.matches('(')",
        "'a'.matches('(?=a)')",
        "duration('1x')",
        "timestamp('2024')",
        "9223372036854775808",
        "'a",
        "Object{}",
        "nope('a')",
        "1 ? 2 : 3",
    ] {
        assert!(environment().compile(source).is_err(), "{source}");
    }
    let old = Environment { minor: 29, ..environment() };
    assert!(old.compile("isIP('::1')").is_err() && environment().compile("isIP('::1')").is_ok());
}

#[test]
fn a_budget_ends_what_would_not_end() {
    for source in [
        "list.all(a, list.all(b, list.all(c, list.all(d, a + b + c + d != ''))))",
        "list.map(a, list.map(b, list.map(c, list.map(d, a + b + c + d)))).size() > 0",
        "lists.range(100000000).size() > 0",
        "list.map(a, list.map(b, list.map(c, list))).flatten(9).distinct().size() > 0",
    ] {
        assert_eq!(value(source).unwrap_err(), Halt::Budget, "{source}");
    }
}

#[test]
fn depth_is_bounded_and_long_chains_are_not_deep() {
    let chain = |term: &str, sign: &str| vec![term; 5000].join(sign);
    assert!(matches!(value(&chain("number == 7", " && ")), Ok(Value::Bool(true))));
    assert!(environment().compile(&format!("{} == 1", chain("1", " + "))).is_err());
    for (open, close) in [("(", ")"), ("[", "]"), ("-(", ")"), ("!(", ")"), ("dyn(", ")")] {
        let deep = format!("{}1{}", open.repeat(5000), close.repeat(5000));
        assert!(environment().compile(&deep).is_err(), "{open}");
    }
    assert!(environment().compile(&format!("self{}", ".a".repeat(5000))).is_err());
}

#[test]
fn costs_are_those_of_the_api_server() {
    use types::{Decl, DeclKind};
    let text = |most| Decl { kind: DeclKind::Plain(Type::Text), most, least_size: 2 };
    let root = Decl { kind: DeclKind::List(std::sync::Arc::new(text(40))), most: 10, least_size: 2 };
    let variables = BTreeMap::from([("self".to_owned(), root.to_type("self"))]);
    let environment = Environment { variables, minor: 35, objects: false };
    for (source, cost) in [
        ("true", 0),
        ("self.size() > 0", 3),
        ("self[0] == 'abc'", 3),
        ("self.all(x, x == 'a')", 52),
        ("self.exists(x, x.matches('ab'))", 102),
        ("self.map(x, x).size() > 0", 144),
    ] {
        assert_eq!(environment.compile(source).unwrap().cost(Some(&root)).max, cost, "{source}");
    }
}

#[test]
fn the_items_of_a_literal_are_of_one_type_from_kubernetes_1_29_on() {
    let compiles = |source: &str, minor: u16| Environment { minor, ..environment() }.compile(source).err();
    for source in ["[self.a, 'b']", "['b', self.a]", "{'a': self.a, 'b': 'c'}", "[[self], ['b']]"] {
        let fault = compiles(source, 29).unwrap();
        assert!(fault.what.starts_with("expected type '"), "{source}: {fault}");
        assert_eq!(compiles(source, 28), None, "{source}");
    }
    for source in ["[string(self.a), 'b']", "[dyn('b'), self.a]", "'%s %d'.format([self.a, 1])", "{'a': [], 'b': []}"] {
        assert_eq!(compiles(source, 35), None, "{source}");
    }
}

#[test]
fn a_literal_that_cannot_be_converted_does_not_compile() {
    let compiles = |source: &str| environment().compile(source).is_ok();
    for source in [
        "int('a') == 1",
        "number == 7 || double('x') > 1.0",
        "uint(-1) == 1u",
        "bool('yes')",
        "duration(1) == duration('1s')",
        "int(1e30) == 1",
    ] {
        assert!(!compiles(source), "{source}");
    }
    for source in
        ["int('5') == 5", "string(1) == '1'", "int('a' + 'b') == 1", "timestamp(0) < timestamp(1)", "1 / 0 == 1"]
    {
        assert!(compiles(source), "{source}");
    }
}
