//! Workflows over the shop: a looped report, a call that fails and is tried again, an approval, a
//! chart fed every second.

use serde_json::json;

use super::{
    shop::month_before,
    workflows::{Sample, edge, node, script},
};

/// Ids of the saved queries.
pub(super) struct Queries {
    pub categories: String,
    pub months: String,
    pub parcel: String,
}

/// All of them; the last one feeds the chart.
pub(super) fn samples(queries: &Queries) -> [Sample; 4] {
    [report(queries), delivery(queries), refund(), live()]
}

fn report(queries: &Queries) -> Sample {
    let total = "const months = ctx.months.result;\n\
        const best = months.reduce((best, month) => month.cents > best.cents ? month : best, { cents: 0 });\n\
        return { category: ctx.category.category, euros: months.reduce((sum, month) => sum + month.cents, 0) / 100,\n  \
        months: months.length, best: best.month };";
    Sample {
        title: "Sales report",
        about: "a query, a loop over its rows with a query in its body",
        nodes: json!([
            node("start", "start", 0, json!({})),
            node(
                "categories",
                "dataQuery",
                1,
                json!({
                    "dataQueryID": queries.categories, "inputValues": {}, "outputVariable": "categories",
                })
            ),
            node(
                "each",
                "loop",
                2,
                json!({
                    "sourceVariable": "{{ctx.categories.result}}", "itemVariable": "category", "outputVariable": "lines",
                })
            ),
            node(
                "months",
                "dataQuery",
                3,
                json!({
                    "dataQueryID": queries.months, "outputVariable": "months",
                    "inputValues": { "category": "{{ctx.category.category}}", "since": "{{ctx.input.since}}" },
                })
            ),
            script("total", 4, "line", total),
            node(
                "end",
                "end",
                5,
                json!({
                    "outputParameters": [{ "name": "report", "sourceVariable": "{{ctx.lines}}" }],
                })
            ),
        ]),
        edges: json!([
            edge("start", None, "categories"),
            edge("categories", Some("success"), "each"),
            edge("each", Some("loop"), "months"),
            edge("months", Some("success"), "total"),
            edge("each", Some("completed"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "since", "type": "string", "default": "2024-01-01" }] }),
        inputs: |n, today| json!({ "since": month_before(today, i64::try_from(n % 24).unwrap_or_default()) }),
    }
}

fn delivery(queries: &Queries) -> Sample {
    Sample {
        title: "Parcel",
        about: "a call that fails twice before it is answered",
        nodes: json!([
            node("start", "start", 0, json!({})),
            node(
                "carrier",
                "dataQuery",
                1,
                json!({
                    "dataQueryID": queries.parcel, "inputValues": { "order": "{{ctx.input.order}}" },
                    "outputVariable": "parcel", "errorHandling": "retry_then_fail",
                    "retryLimit": 5, "retryDelaySeconds": 1,
                })
            ),
            node(
                "end",
                "end",
                2,
                json!({
                    "outputParameters": [{ "name": "parcel", "sourceVariable": "{{ctx.parcel}}" }],
                })
            ),
        ]),
        edges: json!([edge("start", None, "carrier"), edge("carrier", Some("success"), "end")]),
        options: json!({ "inputDefinitions": [{ "key": "order", "type": "number", "default": 1 }] }),
        inputs: |n, _| json!({ "order": n }),
    }
}

fn refund() -> Sample {
    Sample {
        title: "Refund",
        about: "waits for an approval, two minutes at most",
        nodes: json!([
            node("start", "start", 0, json!({})),
            node(
                "ask",
                "approval",
                1,
                json!({
                    "title": "Refund order {{ctx.input.order}}", "description": "The customer sent it back.",
                    "expiryMinutes": 2, "approveLabel": "Pay", "rejectLabel": "Keep", "outputVariable": "decision",
                })
            ),
            script("pay", 2, "said", "return `order ${args.order} is paid back: ${ctx.decision.comment}`;"),
            script(
                "keep",
                3,
                "said",
                "return ctx.decision.expired ? 'nobody answered' : `kept: ${ctx.decision.comment}`;"
            ),
            node(
                "end",
                "end",
                4,
                json!({
                    "joinMode": "any", "outputParameters": [{ "name": "said", "sourceVariable": "{{ctx.said}}" }],
                })
            ),
        ]),
        edges: json!([
            edge("start", None, "ask"),
            edge("ask", Some("approved"), "pay"),
            edge("ask", Some("rejected"), "keep"),
            json!({ "id": "ask-expired", "source": "ask", "target": "keep", "sourceHandle": "expired" }),
            edge("pay", Some("success"), "end"),
            edge("keep", Some("success"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "order", "type": "number", "required": true }] }),
        inputs: |n, _| json!({ "order": n }),
    }
}

fn live() -> Sample {
    let sale = "const wave = Math.sin(ctx.second / 3);\n\
        return { second: ctx.second, euros: Math.round(4000 + 1500 * wave + 7 * ctx.second) / 100 };";
    Sample {
        title: "Live sales",
        about: "half a minute of a chart, a point each second",
        nodes: json!([
            node("start", "start", 0, json!({})),
            script(
                "clock",
                1,
                "seconds",
                "return Array.from({ length: args.seconds }, (_, second) => second);"
            ),
            node(
                "tick",
                "loop",
                2,
                json!({
                    "sourceVariable": "{{ctx.seconds}}", "itemVariable": "second", "delayBetweenItems": 1000,
                    "outputVariable": "points",
                })
            ),
            script("sale", 3, "point", sale),
            node(
                "end",
                "end",
                4,
                json!({
                    "outputParameters": [{ "name": "points", "sourceVariable": "{{ctx.points}}" }],
                })
            ),
        ]),
        edges: json!([
            edge("start", None, "clock"),
            edge("clock", Some("success"), "tick"),
            edge("tick", Some("loop"), "sale"),
            edge("tick", Some("completed"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "seconds", "type": "number", "default": 30 }] }),
        inputs: |_, _| json!({ "seconds": 30 }),
    }
}
