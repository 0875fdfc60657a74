//! Writes the manual, a page for the command and one for each of its verbs:
//! `cargo run -p tjf-cli --example manual FOLDER`.
//!
//! Options and examples come from the command's own definitions. What these do not know, files,
//! variables and exit codes, is here. It is an example, so that the command does not ship it.

use std::{
    env,
    fs::File,
    io::{self, Write},
    path::Path,
};

use clap::{Arg, Command};
use clap_mangen::Man;
use roff::{Roff, bold, roman};

/// A section of terms and what they mean.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: [Section; 3] = [
    (
        "FILES",
        &[
            (
                "/etc/toolforge-jobs.toml",
                "Settings for everybody on this machine: the keys server, cert, key and ca, each of \
                 them text. A path is relative to the folder of the file, or begins with ~/.",
            ),
            (
                "~/.config/toolforge-jobs.toml",
                "The same, for one account. It goes before the other.",
            ),
            (
                "~/.kube/config",
                "Where certificate, key and CA are found that are not set elsewhere.",
            ),
            (
                "~/.toolskube/client.crt, ~/.toolskube/client.key",
                "Certificate and key, when nothing else names them.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            (
                "TOOLFORGE_JOBS_SERVER, TOOLFORGE_JOBS_CERT, TOOLFORGE_JOBS_KEY, TOOLFORGE_JOBS_CA",
                "Go before the files. The options --server, --cert, --key and --ca go before these. \
                 Certificate and key have to come from the same place.",
            ),
            ("KUBECONFIG", "Files, separated by colons, instead of ~/.kube/config."),
            ("NO_COLOR", "When it is set and not empty, there is no colour."),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "Done."),
            ("1", "Refused: the request, the name, the quota, the certificate, the file of jobs."),
            ("2", "The words or the settings can't be used. Nothing was sent."),
            ("2", "load --dry-run: there is something to do."),
            (
                "3",
                "The service or the cluster could not be reached, or failed; or it is not known whether \
                 the job was created; or standard output can't be written.",
            ),
            ("124", "run --wait: the time was up. The job goes on."),
            ("125", "run --wait: the outcome is not known, or can't be written."),
            ("130", "run --wait: Ctrl-C ended the wait. The job goes on."),
            ("130", "load: Ctrl-C ended it between two jobs. The same again does what is left."),
            (
                "any other",
                "run --wait: the job's own code; 128 and more for a signal; 1 when the job failed \
                 without a code.",
            ),
        ],
    ),
];

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1) else {
        return Err(io::Error::other("name the folder for the pages"));
    };
    // `help` explains itself, and has no options.
    let mut command = tjf_cli::definitions().disable_help_subcommand(true);
    command = command.mut_subcommands(|verb| also_called(verb.mut_args(with_aliases)));
    command.build();
    page(&command, Path::new(&folder))?;
    command.get_subcommands().try_for_each(|verb| page(verb, Path::new(&folder)))
}

/// The generator leaves out other names, which the help has.
fn with_aliases(argument: Arg) -> Arg {
    let names = argument.get_visible_aliases().unwrap_or_default();
    let Some(help) = argument.get_help().filter(|_| !names.is_empty()) else { return argument };
    let help = format!("{help}. Also --{}", names.join(", --"));
    argument.help(help)
}

fn also_called(verb: Command) -> Command {
    let names: Vec<_> = verb.get_visible_aliases().collect();
    let Some(about) = verb.get_about().filter(|_| !names.is_empty()) else { return verb };
    let about = format!("{about}. Also called {}", names.join(", "));
    verb.about(about)
}

fn page(command: &Command, folder: &Path) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command.clone()).source(format!("toolforge-jobs {version}"));
    let mut file = File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    man.render_synopsis_section(&mut file)?;
    man.render_description_section(&mut file)?;
    man.render_options_section(&mut file)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut file)?;
        sections(&mut file)?;
    }
    examples(command, &mut file)?;
    if !command.has_subcommands() {
        see_also(&mut file)?;
    }
    file.flush()
}

fn sections(file: &mut File) -> io::Result<()> {
    let mut roff = Roff::new();
    for (heading, entries) in SECTIONS {
        roff.control("SH", [heading]);
        for (term, meaning) in entries {
            roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    roff.to_writer(file)
}

/// The examples at the end of the help, line by line.
fn examples(command: &Command, file: &mut File) -> io::Result<()> {
    let Some(help) = command.get_after_help() else { return Ok(()) };
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in help.to_string().lines().filter_map(|line| line.strip_prefix("  ")) {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).to_writer(file)
}

fn see_also(file: &mut File) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("toolforge-jobs"), roman("(1), which has files, environment and exit status")]);
    roff.to_writer(file)
}
