//! What is there when the demo begins.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use super::{
    reports::{self, Queries},
    rest::post,
    shop::products,
    workflows::{Sample, samples},
};
use crate::{
    auth::{By, NewToken, sign},
    cli::output::Failure,
    clock::Clock,
    config::Secret,
    http::{
        self,
        control::{ControlReply, ControlRequest},
    },
    ids::{TenantId, WorkflowId},
    server::Running,
    workflow::{Catalogue, SaveWorkflow, Starter},
};

/// The tenant that has everything; another one has nothing and may see nothing.
pub(super) const TENANT: &str = "acme";
const OTHER: &str = "globex";
const A_WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Tokens and workflows.
pub(super) struct Seeded {
    /// ADMIN of acme.
    pub ann: String,
    /// MEMBER of acme.
    pub bob: String,
    /// ADMIN of globex.
    pub eve: String,
    pub workflows: Vec<(WorkflowId, Sample)>,
    /// A saved query with inputs.
    pub query: String,
    /// The chart.
    pub widget: String,
}

/// Makes tenants, users, members and workflows, and signs tokens.
/// `file` is the shop below `datasource.sqlite_dir`, `carrier` the parcel service.
pub(super) async fn seed(
    running: &Running,
    secret: &Secret,
    clock: &Clock,
    (file, carrier): (&str, SocketAddr),
) -> Result<Seeded, Failure> {
    let by = By { who: "cli:demo".to_owned(), request: None, ip: None };
    let people = [("ann", TENANT, "ADMIN"), ("bob", TENANT, "MEMBER"), ("eve", OTHER, "ADMIN")];
    let mut requests = vec![
        ControlRequest::TenantCreate { id: TENANT.to_owned(), name: "Acme Ltd".to_owned() },
        ControlRequest::TenantCreate { id: OTHER.to_owned(), name: "Globex Corporation".to_owned() },
    ];
    for (user, tenant, role) in people {
        let email = Some(format!("{user}@{tenant}.example"));
        requests.push(ControlRequest::UserCreate { id: user.to_owned(), email, platform_admin: false });
        let (tenant, user, role) = (tenant.to_owned(), user.to_owned(), role.to_owned());
        requests.push(ControlRequest::MemberCreate { tenant, user, role });
    }
    for request in requests {
        if let ControlReply::Refused { code, message } =
            http::carry_out(&running.auth, &by, clock, request).await
        {
            return Err(Failure::Failed(format!("the demo cannot be seeded: {code}: {message}")));
        }
    }
    let token = |user: &str| {
        // Nothing but the name: rights come from the rows.
        let token =
            NewToken { sub: user.to_owned(), email: None, tenants: BTreeMap::new(), platform_admin: false };
        sign(secret, &token, clock.now(), A_WEEK).map_err(|error| Failure::Failed(error.to_string()))
    };
    let ann = token("ann")?;
    let api = Api { running, token: &ann };
    let queries = queries(&api, file, carrier).await?;
    let workflows = saved(running, &queries).await?;
    let live = workflows.last().map(|(id, _)| id.to_string());
    let chart = json!({
        "widgetTitle": "Live sales", "widgetType": "line", "refreshInterval": 1,
        "widgetConfig": { "workflowID": live, "point": "{{ctx.point}}" },
    });
    let widget = api.make("widgets", &chart, "/widget/widgetID").await?;
    Ok(Seeded { bob: token("bob")?, eve: token("eve")?, workflows, query: queries.months, widget, ann })
}

/// REST in the name of an admin.
struct Api<'a> {
    running: &'a Running,
    token: &'a str,
}

impl Api<'_> {
    /// Makes something; the id at that place of the answer.
    async fn make(&self, what: &str, body: &Value, id: &str) -> Result<String, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("the demo cannot be seeded: {error}"));
        let address = self.running.addresses.first().copied();
        let address = address.ok_or_else(|| Failure::Failed("the hub listens nowhere".to_owned()))?;
        let path = format!("/api/v1/tenants/{TENANT}/{what}");
        let answer = post(address, self.token, &path, body).await.map_err(failed)?;
        let id = answer.pointer(id).and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| Failure::Failed(format!("{what}: the answer has no id")))
    }
}

/// Two data sources, and what is asked of them.
async fn queries(api: &Api<'_>, file: &str, carrier: SocketAddr) -> Result<Queries, Failure> {
    let source = |title: &str, kind: &str, options: Value| json!({ "datasourceTitle": title, "datasourceType": kind, "datasourceOptions": options });
    let query = |title: &str, about: &str, source: &str, options: Value| json!({ "dataQueryTitle": title, "dataQueryDescription": about, "datasourceID": source, "dataQueryOptions": options });
    let shop = source("Shop", "sqlite", json!({ "file": file }));
    let shop = api.make("datasources", &shop, "/datasource/datasourceID").await?;
    let parcels = source("Parcel service", "http", json!({ "url": format!("http://{carrier}/") }));
    let parcels = api.make("datasources", &parcels, "/datasource/datasourceID").await?;
    const ID: &str = "/dataQuery/dataQueryID";
    let categories = query(
        "Categories",
        "What kinds of products there are",
        &shop,
        json!({ "query": "SELECT category, count(*) AS products FROM products GROUP BY category ORDER BY category" }),
    );
    let months = query(
        "Sales of a category by month",
        "Orders and turnover of one category, month by month",
        &shop,
        json!({
            "query": "SELECT substr(o.ordered_at, 1, 7) AS month, count(*) AS orders, sum(o.cents) AS cents \
                FROM orders o JOIN products p USING (product_id) \
                WHERE p.category = {{category}} AND o.ordered_at >= {{since}} GROUP BY month ORDER BY month",
            "inputDefinitions": [
                { "key": "category", "type": "string", "required": true },
                { "key": "since", "type": "string", "default": "2024-01-01" },
            ],
        }),
    );
    let parcel = query(
        "Parcel of an order",
        "Where the parcel of one order is",
        &parcels,
        json!({
            "method": "GET", "path": "/orders/{{order}}",
            "inputDefinitions": [{ "key": "order", "type": "number", "required": true }],
        }),
    );
    for spoken in spoken(&shop, query) {
        api.make("dataqueries", &spoken, ID).await?;
    }
    Ok(Queries {
        categories: api.make("dataqueries", &categories, ID).await?,
        months: api.make("dataqueries", &months, ID).await?,
        parcel: api.make("dataqueries", &parcel, ID).await?,
    })
}

/// Queries that nobody but the assistant asks: one reads, one changes something.
fn spoken(shop: &str, query: impl Fn(&str, &str, &str, Value) -> Value) -> [Value; 2] {
    let sales = query(
        "Sales",
        "What was sold, day by day: orders and turnover in euros",
        shop,
        json!({
            "query": "SELECT substr(ordered_at, 1, 10) AS day, count(*) AS orders, sum(cents) / 100.0 AS euros \
                FROM orders WHERE ordered_at >= {{from}} AND ordered_at < {{to}} GROUP BY day ORDER BY day",
            "inputDefinitions": [
                { "key": "from", "label": "First day", "type": "string", "format": "date", "required": true },
                { "key": "to", "label": "Day behind the last", "type": "string", "format": "date", "required": true },
            ],
        }),
    );
    let names: Vec<&str> = products().collect();
    let price = query(
        "Set the price of a product",
        "Changes what a product costs from now on",
        shop,
        json!({
            "query": "UPDATE products SET cents = {{cents}} WHERE name = {{product}}", "readOnly": false,
            "inputDefinitions": [
                { "key": "product", "label": "Product", "type": "string", "enum": names, "required": true },
                { "key": "cents", "label": "Price in cents", "type": "number", "required": true },
            ],
        }),
    );
    [sales, price]
}

async fn saved(running: &Running, queries: &Queries) -> Result<Vec<(WorkflowId, Sample)>, Failure> {
    let (catalogue, tenant) = (Catalogue::new(running.runs.clone()), TenantId::trusted(TENANT));
    let mut workflows = Vec::new();
    for sample in samples().into_iter().chain(reports::samples(queries)) {
        let save = SaveWorkflow {
            title: Some(sample.title.to_owned()),
            nodes: Some(sample.nodes.clone()),
            edges: Some(sample.edges.clone()),
            workflow_options: Some(sample.options.clone()),
            workflow_description: Some(Some(sample.about.to_owned())),
            folder_id: None,
        };
        let made = catalogue.create(&tenant, &Starter::default(), save).await;
        let made = made.map_err(|error| Failure::Failed(format!("{}: {error}", sample.title)))?;
        workflows.push((made.workflow_id, sample));
    }
    Ok(workflows)
}
