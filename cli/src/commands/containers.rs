//! `containers`: what jobs can run in.

use tjf_api_types::ContainerState;

use super::Context;
use crate::{
    error::Error,
    exit::Exit,
    output::{Cell, Style, Table},
};

pub(super) async fn containers(context: &Context) -> Result<Exit, Error> {
    let answer = context.client.containers().await?;
    if context.is_json {
        context.printer.json(&answer.json)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "IMAGE", "STATE"]);
    for container in &answer.value {
        let style = match container.state {
            ContainerState::Stable => Style::Plain,
            ContainerState::Deprecated => Style::Bad,
        };
        table.row([
            container.shortname.as_str().into(),
            container.image.as_str().into(),
            Cell::styled(container.state.as_str(), style),
        ]);
    }
    context.printer.table(&table)?;
    Ok(Exit::Done)
}
