//! `knrender schema NAME`: the JSON Schemas of what knrender reads and reports.

use clap::{Args, CommandFactory as _};

use super::{Cli, print};
use crate::error::Error;
use crate::options::schema;

#[derive(Args, Debug)]
#[command(after_help = "\
knrender init writes a line that names the schema of knrender.yaml to editors:
  # yaml-language-server: $schema=https://raw.githubusercontent.com/knrender/knrender/main/docs/schemas/config.json")]
pub(super) struct SchemaArgs {
    /// `config` is that of knrender.yaml; all names where it is left out
    name: Option<String>,
}

pub(super) fn run(args: &SchemaArgs) -> Result<(), Error> {
    let Some(name) = &args.name else {
        return print((schema::names().join("\n") + "\n").as_bytes());
    };
    let text = schema::of(name, &Cli::command()).map_err(Error::Input)?;
    let text = text.ok_or_else(|| {
        Error::Usage(format!("there is no schema `{name}`; there are {}", schema::names().join(", ")))
    })?;
    print(text.as_bytes())
}
