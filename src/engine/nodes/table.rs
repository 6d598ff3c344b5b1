//! All node types of the contract.

use super::{
    condition::Condition,
    delay::Delay,
    end::End,
    far::{DataQuery, SubWorkflow},
    flow::{Fanout, Join, Switch},
    iterate::Loop,
    javascript::JavaScript,
    kind::Kind,
    people::{Approval, DataCollection},
};
use crate::engine::definition::{Config, Faults};

/// A node type.
pub(in crate::engine) struct TypeRow {
    /// `type` on the wire.
    pub(in crate::engine) name: &'static str,
    /// Where its result goes when it names no `outputVariable`.
    pub(in crate::engine) output_variable: Option<&'static str>,
    /// Where a run goes on after a visit that was skipped or ended well without a choice.
    pub(in crate::engine) handle: &'static str,
    /// Longest attempt by default; `None` = `node.timeout`.
    pub(in crate::engine) timeout_s: Option<u64>,
    /// Longest attempt whatever is configured.
    pub(in crate::engine) longest_s: Option<u64>,
    /// Ready with the first edge that fires, unless it says otherwise.
    pub(in crate::engine) any: bool,
    /// Reads its configuration; `None` = this version knows the type but does not carry it out.
    pub(in crate::engine) parse: Option<fn(&Config<'_>, &mut Faults) -> Kind>,
}

const fn row(name: &'static str, output_variable: Option<&'static str>, handle: &'static str) -> TypeRow {
    TypeRow { name, output_variable, handle, timeout_s: None, longest_s: None, any: false, parse: None }
}

const TABLE: &[TypeRow] = &[
    TypeRow { parse: Some(|_, _| Kind::Start), ..row("start", None, "output") },
    TypeRow {
        parse: Some(|config, faults| Kind::End(End::parse(config, faults))),
        ..row("end", None, "output")
    },
    TypeRow {
        parse: Some(|config, faults| Kind::JavaScript(JavaScript::parse(config, faults))),
        ..row("javascript", Some("jsResult"), "success")
    },
    TypeRow {
        timeout_s: Some(5),
        longest_s: Some(5),
        parse: Some(|config, faults| Kind::Condition(Condition::parse(config, faults))),
        ..row("condition", None, "default")
    },
    TypeRow {
        parse: Some(|config, faults| Kind::Delay(Delay::parse(config, faults))),
        ..row("delay", None, "output")
    },
    TypeRow {
        timeout_s: Some(120),
        parse: Some(|config, faults| Kind::DataQuery(DataQuery::parse(config, faults))),
        ..row("dataQuery", Some("queryResult"), "success")
    },
    TypeRow {
        timeout_s: Some(30),
        parse: Some(|config, faults| Kind::Switch(Switch::parse(config, faults))),
        ..row("switch", None, "default")
    },
    TypeRow {
        any: true,
        parse: Some(|config, faults| Kind::Loop(Loop::parse(config, faults))),
        ..row("loop", Some("loopResults"), "completed")
    },
    TypeRow {
        parse: Some(|config, faults| Kind::DataCollection(DataCollection::parse(config, faults))),
        ..row("dataCollection", Some("collectedData"), "output")
    },
    TypeRow {
        parse: Some(|config, faults| Kind::Approval(Approval::parse(config, faults))),
        ..row("approval", Some("approval"), "approved")
    },
    TypeRow {
        timeout_s: Some(30),
        parse: Some(|config, faults| Kind::Fanout(Fanout::parse(config, faults))),
        ..row("fanout", None, "output")
    },
    TypeRow {
        timeout_s: Some(30),
        parse: Some(|config, faults| Kind::Join(Join::parse(config, faults))),
        ..row("join", Some("joined"), "output")
    },
    TypeRow {
        timeout_s: Some(300),
        parse: Some(|config, faults| Kind::SubWorkflow(SubWorkflow::parse(config, faults))),
        ..row("subWorkflow", Some("subResult"), "success")
    },
];

/// The row of a type.
pub(in crate::engine) fn type_row(name: &str) -> Option<&'static TypeRow> {
    TABLE.iter().find(|row| row.name == name)
}

/// The rows of all types.
pub(in crate::engine) fn type_rows() -> impl Iterator<Item = &'static TypeRow> {
    TABLE.iter()
}
