//! `knrender schema NAME`: the JSON Schemas of what knrender reads and reports.

use clap::{Args, CommandFactory as _};

use super::{Cli, print};
use crate::error::Error;
use crate::options::schema;
use crate::shown;

#[derive(Args, Debug)]
#[command(after_help = "\
knrender init writes a line that names the schema of knrender.yaml to editors:
  # yaml-language-server: $schema=https://raw.githubusercontent.com/knrender/knrender/main/docs/schemas/config.json")]
pub(super) struct SchemaArgs {
    /// `config` is that of knrender.yaml, and that of a report is called as its command; all names where it is left out
    name: Vec<String>,
}

pub(super) fn run(args: &SchemaArgs) -> Result<(), Error> {
    if args.name.is_empty() {
        return print((schema::names().join("\n") + "\n").as_bytes());
    }
    // `upstream list` as it is typed.
    let name = args.name.join("-");
    let text = schema::of(&name, &Cli::command()).map_err(Error::Input)?;
    let text = text.ok_or_else(|| {
        let all = schema::names();
        let meant = shown::near(&name, all.iter().copied()).map(|near| format!(". Did you mean `{near}`?"));
        Error::Usage(format!("there is no schema `{name}`; there are {}{}", all.join(", "), meant.unwrap_or_default()))
    })?;
    print(text.as_bytes())
}
