//! `finops notify`: messages, by hand.

mod preview;
mod trial;

use crate::context::Context;
use crate::error::{ExitCode, Result};
use clap::Subcommand;

/// Try messages: what they say, and whether they arrive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops notify test --channel email --to me@example.com")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Test(trial::Args),
    Preview(preview::Args),
    Templates(preview::TemplatesArgs),
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    match &args.verb {
        Verb::Test(args) => trial::run(args, ctx),
        Verb::Preview(args) => preview::run(args, ctx),
        Verb::Templates(args) => preview::templates(args, ctx),
    }
}
