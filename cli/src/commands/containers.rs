//! `containers`: what jobs can run in.

use super::Context;
use crate::{error::Error, exit::Exit, output::Table};

pub(super) async fn containers(context: &Context) -> Result<Exit, Error> {
    let answer = context.client.containers().await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "IMAGE", "STATE"]);
    for container in &answer?.value {
        table.row([
            container.shortname.as_str().into(),
            container.image.as_str().into(),
            container.state.as_str().into(),
        ]);
    }
    context.printer.table(&table)?;
    Ok(Exit::Done)
}
