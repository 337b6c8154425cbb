//! `knrender images`: every image of manifests, and the script that moves them to a registry of one's own.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{inputs, print, say};
use crate::config::Config;
use crate::error::Error;
use crate::images::inventory::{self, Image};
use crate::images::reference::{Hold, Reference, hold};
use crate::images::relocate::{self, Target, Tool};
use crate::upstream::lock::Lock;

mod lock;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = IMAGES_HELP)]
pub(super) struct ImagesArgs {
    #[command(subcommand)]
    command: Option<ImagesCommand>,
    /// Folders, files, or - for standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// How to report: plain is one reference a line
    #[arg(long, value_enum, default_value_t = ImagesFormat::Text, hide_possible_values = true, value_name = "text|json|plain")]
    format: ImagesFormat,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const IMAGES_HELP: &str = "\
Images in ConfigMaps, annotations, arguments and environment count.
Exit codes: 0 fine; 2 usage or configuration; 3 something could not be read.";

/// How images are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImagesFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// One reference a line
    Plain,
}

#[derive(Debug, Subcommand)]
enum ImagesCommand {
    /// Ask the registries for the digests behind tags, and hold renders with --locked to them
    Lock(lock::LockArgs),
    /// Write a script that copies the images to a registry of your own
    Relocate(RelocateArgs),
}

#[derive(Args, Debug)]
struct RelocateArgs {
    /// The registry, and the path in it that all repositories go below
    #[arg(long, value_name = "REGISTRY/PREFIX")]
    to: String,
    /// Folders, files, or - for standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// What copies
    #[arg(long, value_enum, default_value_t)]
    tool: Tool,
    /// What goes to standard output: the script, or the `images` block of knrender.yaml
    #[arg(long, value_enum, default_value_t = Printed::Script, value_name = "WHAT")]
    print: Printed,
    /// Rules of ECR's pull-through cache in place of copies, for the registries that it knows
    #[arg(long)]
    pull_through: bool,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `relocate` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Printed {
    /// The script
    Script,
    /// The `images` block
    Images,
}

pub(super) fn run(args: ImagesArgs) -> Result<(), Error> {
    match args.command {
        Some(ImagesCommand::Lock(args)) => lock::run(&args),
        Some(ImagesCommand::Relocate(args)) => relocate(&args),
        None => list(&args),
    }
}

fn list(args: &ImagesArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    let images = images(&args.paths, &config)?;
    let text = match args.format {
        ImagesFormat::Text => text(&images),
        ImagesFormat::Json => format!("{:#}\n", crate::value::json!({ "images": images })),
        ImagesFormat::Plain => images.iter().map(|image| format!("{}\n", image.image)).collect(),
    };
    print(text.as_bytes())
}

/// The images of what was named, or of the last render.
fn images(paths: &[PathBuf], config: &Config) -> Result<Vec<Image>, Error> {
    let collection = inputs::read(&inputs::or_rendered(paths, config)?)?;
    inputs::broken(&collection)?;
    Ok(inventory::of(&collection))
}

fn text(images: &[Image]) -> String {
    let mut text = String::new();
    for image in images {
        let _ = writeln!(text, "{}", image.image);
        let _ = writeln!(text, "  {}", held(image));
        if image.resolved_by_controller {
            text.push_str("  Knative's controller asks the registry for its digest, and needs the right to\n");
        }
        for used in &image.used {
            let _ = writeln!(text, "  {}:{}  {} {}", used.file, used.line, used.object, used.field);
        }
    }
    let moving = images.iter().filter(|image| image.moves).count();
    let _ = writeln!(text, "{} images, {moving} of them by a tag that moves", images.len());
    text
}

/// How firmly a reference holds its image, for people.
fn held(image: &Image) -> String {
    let Some(parts) = Reference::parse(&image.image) else {
        return "no image reference: something fills it in".to_owned();
    };
    let by = match (&parts.digest, &parts.tag, hold(&image.image)) {
        (Some(_), ..) => "by digest",
        (None, None, _) => "without a tag: whatever is the latest",
        (None, _, Hold::Firm) => "by a tag that stays, by custom",
        (None, _, Hold::Minor) => "by a tag that moves with patches",
        (None, _, Hold::Floating) => "by a tag that may be another image tomorrow",
    };
    format!("{}, {by}", parts.registry)
}

fn relocate(args: &RelocateArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    let target = Target::parse(&args.to).map_err(Error::Usage)?;
    let images = images(&args.paths, &config)?;
    for image in images.iter().filter(|image| image.registry.is_none()) {
        say(&format!("warning: `{}` is no image reference, and is left as it is", image.image));
    }
    let names = images.iter().map(|image| image.image.as_str());
    let lock = Lock::read(config.lock_folder())?;
    let locked = lock.images().iter().map(|locked| (locked.image.clone(), locked.digest.clone())).collect();
    let moves = relocate::plan(names, &target, &locked, args.pull_through).map_err(Error::Usage)?;
    print(
        match args.print {
            Printed::Script => relocate::script(&moves, &target, args.tool),
            Printed::Images => relocate::block(&moves),
        }
        .as_bytes(),
    )
}
