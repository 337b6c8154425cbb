use super::*;
use serde_json::{Value, json};

fn fails(text: &str) -> String {
    match parse(text) {
        Ok(value) => panic!("{text:?} was read as {value}"),
        Err(error) => error.to_string(),
    }
}
#[test]
fn probe() {
    for t in [
        "a:\n\tb: 1",
        "a: 1\n\tb: 2",
        "a: [\n\t1]",
        "true: 1\n1: 2\n0x10: 3\n1.5: 4\n\"yes\": 5\nyEs: 6",
        "~: 1",
        "1: a\n\"1\": b",
        "a: |\n  x",
        "a: |+ # c\n\n  x",
        "a: |\n  x\n  ",
        "a: >2\n   x\n   y",
        "a: x",
        "b: |\n  z\na: x",
        "? [a]\n: b",
        "? {a: 1}\n: b",
        "<<: 1",
        "a: {<<: [{x: 1}, {y: 2}], x: 3}",
    ] {
        println!(
            "{t:?} -> {}",
            match parse(t) {
                Ok(v) => v.to_string(),
                Err(e) => e.to_string(),
            }
        );
    }
    for n in [40, 41, 100, 255, 256, 257, 5000, 100_000] {
        let mut texts = vec![
            ("flow", "[".repeat(n) + &"]".repeat(n)),
            ("flowmap", "{a: ".repeat(n) + &"}".repeat(n)),
            ("dashes", "- ".repeat(n) + "x"),
        ];
        if n <= 5000 {
            texts.push(("block", (0..n).map(|i| " ".repeat(i) + "a:\n").collect()));
        }
        for (w, t) in texts {
            println!(
                "{n} {w}: {}",
                match parse(&t) {
                    Ok(_) => "ok".into(),
                    Err(e) => e.to_string(),
                }
            );
        }
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
    }
    println!("{}", fails(&bomb));
    let mut deep = format!("a0: &a0 {}x{}\n", "[".repeat(100), "]".repeat(100));
    for i in 1..60 {
        deep += &format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(100), i - 1, "]".repeat(100));
    }
    println!("{}", fails(&deep));
    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct C {
        a: String,
        #[serde(default)]
        b: Vec<D>,
    }
    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct D {
        x: u8,
        v: Option<Value>,
        e: Option<E>,
    }
    #[derive(serde::Deserialize, Debug)]
    #[serde(rename_all = "lowercase")]
    enum E {
        One,
        Two,
    }
    for t in [
        "a: yes\nb:\n  - x: 1\n    y: 2\n",
        "a: 1.10\nb: [{x: 300}]",
        "b: []",
        "a: x\nb: [{x: 1, v: {q: 1}, e: one}]",
        "a: x\nb: [{x: 1, e: three}]",
        "",
        "a: [1]",
        "- a",
        "a: x\nzz: 1",
        "a: ~",
        "a: x\nb: 1",
        "a: x\nb:\n",
    ] {
        println!(
            "{t:?} -> {}",
            match parse_as::<C>(t) {
                Ok(v) => format!("{v:?}"),
                Err(e) => e.to_string(),
            }
        );
    }
    println!("{:?}", json!(1));
}
