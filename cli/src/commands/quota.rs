//! `quota`: what the tool may have, and what it uses.

use tjf_api_types::QuotaView;

use super::Context;
use crate::{
    error::Error,
    exit::Exit,
    output::{Cell, Table},
};

pub(super) async fn quota(context: &Context) -> Result<Exit, Error> {
    let answer = context.client.quota().await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    context.printer.table(&table(&answer?.value))?;
    Ok(Exit::Done)
}

/// Each line stands for itself, so that `grep` finds it with its category.
fn table(quota: &QuotaView) -> Table {
    let mut table = Table::new(&["CATEGORY", "WHAT", "USED", "LIMIT"]);
    for category in &quota.categories {
        for item in &category.items {
            let used = item.used.as_deref().unwrap_or("-");
            let cells = [&category.name, &item.name, used, &item.limit];
            table.row(cells.map(Cell::from));
        }
    }
    table
}
