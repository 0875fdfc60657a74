//! `version`: which version this is.

use crate::{error::Error, exit::Exit, output::Printer};

pub(super) fn version(printer: Printer) -> Result<Exit, Error> {
    printer.line(concat!("toolforge-jobs ", env!("CARGO_PKG_VERSION")))?;
    Ok(Exit::Done)
}
