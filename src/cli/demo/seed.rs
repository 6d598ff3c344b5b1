//! What is there when the demo begins.

use std::{collections::BTreeMap, time::Duration};

use super::workflows::{Sample, samples};
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
}

/// Makes tenants, users, members and workflows, and signs tokens.
pub(super) async fn seed(running: &Running, secret: &Secret, clock: &Clock) -> Result<Seeded, Failure> {
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
    Ok(Seeded {
        ann: token("ann")?,
        bob: token("bob")?,
        eve: token("eve")?,
        workflows: saved(running).await?,
    })
}

async fn saved(running: &Running) -> Result<Vec<(WorkflowId, Sample)>, Failure> {
    let (catalogue, tenant) = (Catalogue::new(running.runs.clone()), TenantId::trusted(TENANT));
    let mut workflows = Vec::new();
    for sample in samples() {
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
