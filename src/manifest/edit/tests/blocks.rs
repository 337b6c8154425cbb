//! Block scalars: other lines keep their bytes.

use crate::value::json;

use super::{check, remove, set};

const BLOCKS: &str = "\
data:
  keep: |+
    one

    two


  clip: | # why
    first
      deeper

    \ttabbed
    last
  strip: |-
    only
  given: |2
      spaces
    none
  folded: >-
    one
    two
  list:
    - |
      p
      q
  end: |
    x
";

#[test]
fn blocks_change_line_by_line() {
    check(
        BLOCKS,
        set("/data/clip", json!("first\n  deeper\n\n\ttabbed\nother\n")),
        &BLOCKS.replacen("    last\n", "    other\n", 1),
    );
    check(
        BLOCKS,
        set("/data/clip", json!("zero\nfirst\n  deeper\n\n\ttabbed\nlast\nmore\n\nend")),
        &BLOCKS.replacen("| # why\n", "|- # why\n    zero\n", 1).replacen("last\n", "last\n    more\n\n    end\n", 1),
    );
    check(BLOCKS, set("/data/clip", json!("first\nlast\n")), &BLOCKS.replacen("      deeper\n\n    \ttabbed\n", "", 1));
    check(
        BLOCKS,
        set("/data/keep", json!("one\n\ntwo\n")),
        &BLOCKS.replacen("|+", "|", 1).replacen("two\n\n\n", "two\n", 1),
    );
    check(
        BLOCKS,
        set("/data/keep", json!("one\ntwo\n\n")),
        &BLOCKS.replacen("one\n\n", "one\n", 1).replacen("two\n\n\n", "two\n\n", 1),
    );
    check(BLOCKS, set("/data/strip", json!("only\nmore")), &BLOCKS.replacen("only\n", "only\n    more\n", 1));
    check(BLOCKS, set("/data/strip", json!("one")), &BLOCKS.replacen("only\n", "one\n", 1));
    check(BLOCKS, set("/data/strip", json!("only\n\n\n")), &BLOCKS.replacen("|-\n    only\n", "|+\n    only\n\n\n", 1));
    check(BLOCKS, set("/data/given", json!("  spaces\nsome\n")), &BLOCKS.replacen("    none\n", "    some\n", 1));
    check(
        BLOCKS,
        set("/data/strip", json!("  spaces\nsome\n")),
        &BLOCKS.replacen("|-\n    only\n", "|2\n      spaces\n    some\n", 1),
    );
    check(BLOCKS, set("/data/list/0", json!("p\nr\nq\n")), &BLOCKS.replacen("      p\n", "      p\n      r\n", 1));
    check(
        BLOCKS,
        set("/data/folded", json!("one\nthree\n")),
        &BLOCKS.replacen(">-\n    one\n    two\n", "|\n    one\n    three\n", 1),
    );
    check(BLOCKS, set("/data/end", json!("")), &BLOCKS.replacen("end: |\n    x\n", "end: \"\"\n", 1));
    check(
        BLOCKS,
        set("/data/end", json!("x\ny\n\n")),
        &BLOCKS.replacen("    x\n", "    x\n    y\n\n", 1).replacen("end: |", "end: |+", 1),
    );
    check(BLOCKS, set("/data/end", json!("a\u{0}\n")), &BLOCKS.replacen("end: |\n    x\n", "end: \"a\\0\\n\"\n", 1));
    check(
        BLOCKS,
        remove("/data/clip"),
        &BLOCKS.replacen("  clip: | # why\n    first\n      deeper\n\n    \ttabbed\n    last\n", "", 1),
    );
}

#[test]
fn blank_lines_with_blanks_keep_them() {
    check(
        "a: |\n  one\n     \n  two\n  \nb: 1\n",
        set("/a", json!("one\n   \nthree\n")),
        "a: |\n  one\n     \n  three\n  \nb: 1\n",
    );
}
