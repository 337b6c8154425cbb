# What developers type. `just` lists it; https://just.systems

set positional-arguments

default:
    @just --list --unsorted

# What most changes need: format, lints, the tests
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked

# Make everything anew that tests hold (digests of renders, options, schemas, snapshots); then read the diff
held:
    KNRENDER_UPDATE=1 INSTA_UPDATE=always cargo test --locked
    git diff --stat

# All that has to hold before a change lands
ci:
    bash .ci/run

# Fill the mirror of real upstream files that tests read
mirror:
    cargo run --release --locked -- upstream mirror --all ../shared/upstream

# A render of the default stack, and what it says
try *flags:
    cargo run --release --locked -- --out out/ "$@"

# Speed, against kubectl kustomize and sha256sum on the same files
bench:
    cargo build --release --locked
    python3 .ci/bench.py target/release/knrender
