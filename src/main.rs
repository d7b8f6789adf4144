//! Parse, run, exit code.

use clap::Parser;
use finops::cli::{Cli, Globals};
use finops::commands;
use finops::config::Environment;
use finops::context::Shell;
use finops::error::{Error, ExitCode};
use finops::ui::Ui;

fn main() -> std::process::ExitCode {
    let environment = Environment::of_process();
    let code = match Cli::try_parse() {
        Ok(Cli { globals, command }) => {
            let ui = Ui::new(globals.ui_options(&environment));
            let shell = Shell { globals, environment, ui: ui.clone() };
            let ended = commands::run(command, &shell);
            report(&ui, ended)
        }
        Err(error) => {
            // The flags are unknown as yet, but whoever asked for JSON gets the error as JSON.
            let json = std::env::args_os().any(|arg| arg == "--json");
            let ui = Ui::new(Globals { json, ..Globals::default() }.ui_options(&environment));
            let told = ui.usage(&error);
            report(&ui, told)
        }
    };
    std::process::ExitCode::from(code as u8)
}

/// Tells how it ended.
fn report(ui: &Ui, ended: Result<ExitCode, Error>) -> ExitCode {
    let code = ended.unwrap_or_else(|error| {
        ui.error(&error);
        error.kind.exit_code()
    });
    match ui.finish() {
        Ok(()) => code,
        Err(error) => {
            ui.error(&error);
            error.kind.exit_code()
        }
    }
}
